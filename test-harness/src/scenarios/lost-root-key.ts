import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '@blocktree/harness'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import type { Node, Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

/** The lines of 64 hexadecimal digits on stderr. */
function shownRecoveryKey(node: Node): string | undefined {
  const lines = node.log.flatMap((entry) => entry.text.match(/\b[0-9a-f]{64}\b/g) ?? [])
  return lines.length < 2 ? undefined : lines.slice(0, 2).join('\n')
}

export const lostRootKey: Scenario = {
  name: 'lost-root-key',
  summary:
    'A lost root key is replaced with the recovery key: data, readers and daily work go on, the former root ends',
  async run({ harness, step, report }) {
    const node = harness.prepareNode('alice', { arguments: ['--recovery'] })
    await step('the first start shows the recovery key once', () => node.start())
    const recovery = await waitFor(() => shownRecoveryKey(node), { description: 'a recovery key on stderr' })
    const before = await node.call('node.status', {})
    expectTrue(before.root.hasRecovery, 'the tree commits to a recovery key')
    await step('a tree with a reader', async () => {
      await node.call('file.mkdir', { path: '/papers' })
      await node.call('file.create', { path: '/papers/one', data: encodeText('kept') })
      await node.call('principal.create', { name: 'bob' })
      await node.call('grant.issue', { path: '/papers', to: 'bob' })
    })
    await step(
      'without preparation, with a wrong key and with a wrong passphrase it is refused',
      async () => {
        await expectRefused(
          node.call('root.succeed', { recovery, passphrase: 'whatever it may be' }),
          ['ERR_SUCCESSION_UNPREPARED'],
          'unprepared'
        )
        const { passphrase = '' } = await node.call('root.prepareSuccession', {})
        await expectRefused(
          node.call('root.succeed', { recovery: 'f'.repeat(128), passphrase }),
          ['ERR_SUCCESSION_NONE'],
          'another recovery key'
        )
        await expectRefused(
          node.call('root.succeed', { recovery: 'not a key', passphrase }),
          ['ERR_RECOVERY_KEY'],
          'no recovery key'
        )
        await expectRefused(
          node.call('root.succeed', { recovery, passphrase: `${passphrase} x` }),
          ['ERR_ROOT_PASSPHRASE'],
          'wrong passphrase'
        )
        expectEqual(
          (await node.call('node.status', {})).root.id,
          before.root.id,
          'the root is still the same'
        )
      }
    )
    const prepared = await step(
      'a new root key is prepared; the node is killed and still has it',
      async () => {
        const made = await node.call('root.prepareSuccession', {})
        node.kill()
        await node.exit
        await node.start()
        expectEqual(
          (await node.call('node.status', {})).root.id,
          before.root.id,
          'the root is still the same'
        )
        return { ...made, passphrase: made.passphrase ?? '' }
      }
    )
    await step('the recovery key puts it in place', async () => {
      const made = await node.call('root.succeed', { recovery, passphrase: prepared.passphrase })
      expectEqual(made.generation, 1, 'generation')
      expectEqual(made.root, prepared.newRoot, 'root')
      report('grants issued again', made.regranted)
      report('zones with new keys', made.zonesRekeyed)
    })
    await step('killed right afterwards, it comes back with the new root', async () => {
      node.kill()
      await node.exit
      await node.start()
      const { root } = await node.call('node.status', {})
      expectEqual(root.id, prepared.newRoot, 'root')
      expectTrue(root.hasRecovery, 'the next recovery key is committed to')
      const left = readdirSync(join(node.directory, 'keys')).filter((name) => name.includes('next'))
      expectEqual(left, [], 'left-over keys')
    })
    await step('the new passphrase unlocks it, and the owner can act', async () => {
      expectTrue((await node.call('root.unlock', { passphrase: prepared.passphrase })).isUnlocked, 'unlocked')
      expectTrue((await node.call('session.as', { principal: 'root' })).isRoot, 'the root of today')
      await node.call('file.create', {
        path: '/papers/by-the-root',
        data: encodeText('signed by the new root')
      })
      await node.call('session.as', { principal: 'node' })
      await node.call('root.lock', {})
    })
    await step('data, daily work and the reader go on', async () => {
      const read = async (path: string): Promise<string> =>
        decodeText((await node.call('file.read', { path })).data)
      expectEqual(await read('/papers/one'), 'kept', 'content')
      await node.call('file.create', { path: '/papers/two', data: encodeText('written afterwards') })
      await node.call('session.as', { principal: 'bob' })
      expectEqual(await read('/papers/one'), 'kept', 'what bob reads')
      expectEqual(await read('/papers/two'), 'written afterwards', 'what bob reads of the new')
      await node.call('session.as', { principal: 'node' })
      expectEqual((await node.call('store.check', {})).problems, [], 'problems')
    })
    await step('the old recovery key is used up', async () => {
      const { passphrase = '' } = await node.call('root.prepareSuccession', {})
      await expectRefused(
        node.call('root.succeed', { recovery, passphrase }),
        ['ERR_SUCCESSION_NONE'],
        'used up'
      )
    })
    await step(
      'the next recovery key replaces the root once more, from a tree that was restarted',
      async () => {
        const again = await node.call('root.prepareSuccession', {
          passphrase: 'a passphrase of my own choice'
        })
        const made = await node.call('root.succeed', {
          recovery: prepared.recovery.join(' '),
          passphrase: 'a passphrase of my own choice'
        })
        expectEqual([made.generation, made.root], [2, again.newRoot], 'generation and root')
        await node.restart()
        expectEqual((await node.call('node.status', {})).root.id, again.newRoot, 'root')
        expectEqual(
          decodeText((await node.call('file.read', { path: '/papers/two' })).data),
          'written afterwards',
          'content'
        )
      }
    )
  }
}
