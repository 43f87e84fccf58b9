import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { restoreInto } from '../restore-node.ts'
import type { Node, Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

const passphrase = 'a long passphrase for the backup'

export const backupAndRestore: Scenario = {
  name: 'backup-and-restore',
  summary:
    'A tree is backed up, the drill proves it, the machine is lost, an empty node gets everything back',
  async run({ harness, step, random, report }) {
    const node = await harness.startNode('alice')
    const file = join(harness.directory, 'tree.backup')
    const large = random.bytes(3_000_000)
    await step('a tree with files, history and a shared folder', async () => {
      await node.call('file.mkdir', { path: '/photos' })
      await node.call('file.create', { path: '/photos/one', data: encodeText('first') })
      await node.call('file.create', { path: '/photos/one', data: encodeText('second'), replace: true })
      await node.call('file.create', { path: '/photos/large', data: large })
      await node.call('principal.create', { name: 'bob' })
      await node.call('grant.issue', { path: '/photos', to: 'bob' })
    })
    const urn = await step('a folder is published by URN', async () => {
      return (await node.call('content.publish', { path: '/photos', unique: true })).urn
    })
    const lockPath = '/photos/one'
    await node.call('lock.sequence', { path: lockPath, count: 500 })
    await step('a backup to one file', async () => {
      const made = await node.call('backup.create', { file, passphrase })
      expectTrue(made.bytes > large.length, 'the backup holds the content')
      report('backup bytes', made.bytes)
    })
    await step('the drill restores it to a scratch place and finds it identical', async () => {
      expectTrue((await node.call('backup.drill', { file, passphrase })).isIdentical, 'identical')
    })
    await step('what was unpublished since is published again from the backup', async () => {
      await node.call('content.unpublish', { urn })
      await node.call('backup.restore', { file, passphrase })
      expectEqual(await publishedBy(node), [urn], 'published')
    })
    await step(
      'after a further write the drill says that the backup is whole and no longer current',
      async () => {
        expectTrue((await node.call('backup.drill', { file, passphrase })).isCurrent, 'current before')
        await node.call('file.create', { path: '/photos/two', data: encodeText('later') })
        const drill = await node.call('backup.drill', { file, passphrase })
        expectTrue(drill.isIdentical && !drill.isCurrent, 'whole and not current')
      }
    )
    const lost = await step('locks and numbers after the backup', async () => {
      const { token } = await node.call('lock.acquire', { path: lockPath })
      const { first } = await node.call('lock.sequence', { path: lockPath })
      return { token, number: first }
    })
    await step('the machine is lost', async () => {
      node.kill()
      await node.exit
      rmSync(node.directory, { recursive: true })
    })
    const second = harness.prepareNode('second')
    await step('a node of another tree refuses the backup', async () => {
      const stranger = await harness.startNode('stranger')
      await expectRefused(
        stranger.call('backup.restore', { file, passphrase }),
        ['ERR_TREE_OTHER'],
        'other tree'
      )
      await expectRefused(
        stranger.call('backup.restore', { file, passphrase: 'another passphrase, not this' }),
        ['ERR_BACKUP_PASSPHRASE'],
        'wrong passphrase'
      )
      await stranger.stop()
    })
    await step('an empty directory refuses a wrong passphrase, then becomes the node', async () => {
      expectTrue(restoreInto(second.directory, file, 'another passphrase, not this') !== 0, 'refused')
      expectEqual(restoreInto(second.directory, file, passphrase), 0, 'exit code')
      await second.start()
    })
    await step('content, history and grants are back', () => expectRestored(second, large))
    await step('tokens and numbers go on above those that the backup does not know of', async () => {
      const { token } = await second.call('lock.acquire', { path: lockPath })
      const { first } = await second.call('lock.sequence', { path: lockPath })
      expectTrue(token > lost.token, `token ${token} is higher than ${lost.token}`)
      expectTrue(first > lost.number, `number ${first} is higher than ${lost.number}`)
      const stale = { path: lockPath, data: encodeText('late'), replace: true, fence: lost.token }
      await expectRefused(second.call('file.create', stale), ['ERR_LOCK_FENCED'], 'a token from before')
      await second.call('lock.release', { path: lockPath, token })
    })
    await step('what was published is still published, with its blocks', async () => {
      expectEqual(await publishedBy(second), [urn], 'published')
      await second.call('content.fetch', { urn, path: '/fetched' })
      expectEqual(
        decodeText((await second.call('file.read', { path: '/fetched/one' })).data),
        'second',
        'content'
      )
    })
  }
}

async function publishedBy(node: Node): Promise<readonly string[]> {
  return (await node.call('content.published', {})).published.map((publication) => publication.urn)
}

async function expectRestored(node: Node, large: Uint8Array): Promise<void> {
  const one = await node.call('file.read', { path: '/photos/one' })
  expectEqual(decodeText(one.data), 'second', 'content')
  for (let offset = 0; offset < large.length; offset += 1 << 20) {
    const { data } = await node.call('file.read', { path: '/photos/large', offset, length: 1 << 20 })
    const isSame = Buffer.compare(data, large.subarray(offset, offset + data.length)) === 0
    expectTrue(
      isSame && data.length === Math.min(1 << 20, large.length - offset),
      `the same bytes at ${offset}`
    )
  }
  const history = await node.call('file.history', { path: '/photos/one' })
  expectEqual(history.versions.length, 2, 'versions')
  const { grants } = await node.call('grant.list', { path: '/photos' })
  expectTrue(
    grants.some((grant) => grant.recipient === 'bob'),
    'the grant to bob is listed'
  )
  await node.call('file.create', { path: '/photos/after', data: encodeText('the node writes on') })
  expectEqual((await node.call('store.check', {})).problems, [], 'problems')
}
