import { join } from 'node:path'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

/** Bundles go from one machine to the other as files, each under a name of its own. */
interface Courier {
  carry(from: Node, to: Node, paths?: readonly string[], recipient?: string): Promise<ImportAnswer>
}

type ImportAnswer = Awaited<ReturnType<typeof importBundle>>

function importBundle(node: Node, file: string) {
  return node.call('bundle.import', { file })
}

export const shareAndRevoke: Scenario = {
  name: 'share-and-revoke',
  summary:
    'Two owners share and revoke: what was readable stays known, what is new does not open, late edits are set aside',
  async run(context) {
    const { harness, step } = context
    const alice = await harness.startNode('alice')
    const bob = await harness.startNode('bob')
    const courier = createCourier(context)
    const { treeId } = await alice.call('node.status', {})
    const bobId = (await bob.call('session.show', {})).id
    const aliceName = 'bobs-node'
    const at = (path: string): string => `/${treeId}${path}`

    await step('alice has a folder to share and one that is nobody’s business', async () => {
      await alice.call('file.mkdir', { path: '/plans' })
      await alice.call('file.create', { path: '/plans/one', data: encodeText('the first plan') })
      await alice.call('file.mkdir', { path: '/diary' })
      await alice.call('file.create', { path: '/diary/today', data: encodeText('private') })
    })
    await step('a bundle of a tree that bob did not accept is refused', async () => {
      const file = join(harness.directory, 'unasked.bundle')
      await alice.call('bundle.export', { file })
      await expectRefused(importBundle(bob, file), ['ERR_TREE_NOT_HOSTED'], 'a stranger’s tree')
      await expectRefused(bob.call('file.list', { path: at('/plans') }), ['ERR_TREE_NOT_HOSTED'], 'its path')
    })
    await step('bob asks, alice approves, bob accepts', async () => {
      const rights = ['read', 'write', 'create']
      const { line } = await bob.call('access.request', { path: '/plans', rights, note: 'it is bob' })
      const received = await alice.call('access.receive', { line })
      expectEqual(received.principal, bobId, 'who asks')
      const approved = await alice.call('access.approve', { request: received.id, name: aliceName })
      const accepted = await bob.call('access.accept', { line: approved.line })
      expectEqual(accepted.treeId, treeId, 'tree')
      expectEqual([...accepted.rights].sort(), [...rights].sort(), 'rights')
    })
    await step('alice sends a bundle; bob reads the plan and nothing else', async () => {
      const taken = await courier.carry(alice, bob, ['/plans'], aliceName)
      expectEqual(taken.treeId, treeId, 'tree of the bundle')
      expectEqual(await textAt(bob, at('/plans/one')), 'the first plan', 'content')
      const listed = await bob.call('file.list', { path: at('/plans') })
      expectEqual(
        listed.entries.map(({ name }) => name),
        ['one'],
        'entries'
      )
      await expectRefused(
        bob.call('file.read', { path: at('/diary/today') }),
        ['ERR_ACCESS_DENIED', 'ERR_FILE_NOT_FOUND'],
        'the diary'
      )
      const { trees } = await bob.call('tree.list', {})
      expectEqual(
        trees.map(({ isOwn }) => isOwn),
        [true, false],
        'own and hosted tree'
      )
    })
    await step('bob’s own tree is untouched by all this', async () => {
      await bob.call('file.create', { path: '/mine', data: encodeText('bob’s own') })
      expectEqual((await bob.call('file.list', { path: '/' })).entries.length, 1, 'entries of his root')
    })
    await step('bob edits under his cap, sends it back, and alice sees it', async () => {
      await bob.call('file.create', { path: at('/plans/two'), data: encodeText('bob’s plan') })
      await bob.call('file.create', {
        path: at('/plans/one'),
        data: encodeText('a better plan'),
        replace: true
      })
      const taken = await courier.carry(bob, alice, [at('/plans')])
      expectEqual([taken.refused, taken.quarantined], [0, 0], 'refused and quarantined')
      expectEqual(await textAt(alice, '/plans/one'), 'a better plan', 'content')
      expectEqual(await textAt(alice, '/plans/two'), 'bob’s plan', 'content')
      const { writer } = await alice.call('file.stat', { path: '/plans/two' })
      expectEqual(writer, bobId, 'writer')
    })
    await step('bob may not write what he may only pass by', async () => {
      await expectRefused(
        bob.call('file.create', { path: at('/diary/note'), data: encodeText('x') }),
        ['ERR_ACCESS_DENIED', 'ERR_FILE_NOT_FOUND'],
        'a write into the diary'
      )
      await expectRefused(
        bob.call('file.move', { source: at('/plans/two'), destination: '/two' }),
        ['ERR_TREE_SEVERAL'],
        'a move from tree to tree'
      )
    })
    await step('why? says so on both sides', async () => {
      for (const right of ['read', 'write']) {
        expectTrue(
          (await alice.call('access.why', { principal: aliceName, path: '/plans/one', right })).allowed,
          `alice: ${right}`
        )
        expectTrue(
          (await bob.call('access.why', { principal: 'node', path: at('/plans/one'), right })).allowed,
          `bob: ${right}`
        )
      }
    })
    await step('alice takes reading and writing back', async () => {
      const { grants } = await alice.call('grant.list', { path: '/plans' })
      const { caps } = await alice.call('cap.list', { path: '/plans' })
      const cap = caps.find(({ subjectId }) => subjectId === bobId)
      const grant = grants.find(({ recipientId }) => recipientId === bobId)
      if (cap === undefined || grant === undefined) throw new Error('the cap or grant of bob is not listed')
      await alice.call('cap.revoke', { cap: cap.id })
      const report = await alice.call('grant.revoke', { grant: grant.id })
      expectTrue(report.zonesRekeyed > 0, 'zones got new keys')
      expectTrue(
        report.exposed.some(({ path }) => path === '/plans'),
        'the report says what stays known'
      )
      expectEqual([report.skipped, report.undelivered], [[], []], 'nothing is left to others')
    })
    await step('bob, who has not heard of it, goes on writing', async () => {
      await bob.call('file.create', { path: at('/plans/one'), data: encodeText('too late'), replace: true })
      await bob.call('file.create', { path: at('/plans/three'), data: encodeText('too late as well') })
      await courier.carry(bob, alice, [at('/plans')])
      expectEqual(await textAt(alice, '/plans/one'), 'a better plan', 'content at alice')
      await expectRefused(
        alice.call('file.stat', { path: '/plans/three' }),
        ['ERR_FILE_NOT_FOUND'],
        'the late file'
      )
    })
    await step('alice sees what was set aside, and may take it over', () => expectQuarantine(alice, bobId))
    await step('alice writes more and sends everything to bob once again', async () => {
      await alice.call('file.create', { path: '/plans/secret', data: encodeText('not for bob') })
      await alice.call('file.create', { path: '/plans/two', data: encodeText('without bob'), replace: true })
      await courier.carry(alice, bob)
    })
    await step('what bob could read still opens, what is new does not', async () => {
      const { versions } = await bob.call('file.history', { path: at('/plans/two') })
      const former = versions.find(({ writer }) => writer === bobId)
      if (former === undefined) throw new Error('bob’s version of his plan is gone')
      expectEqual(await textAt(bob, at('/plans/two'), former.versionId), 'bob’s plan', 'old content')
      const isOpen = await textAt(bob, at('/plans/two')).then(
        (text) => text === 'without bob',
        () => false
      )
      expectTrue(!isOpen, 'the new version of the plan does not open')
      await expectRefused(
        bob.call('file.read', { path: at('/plans/secret') }),
        ['ERR_KEY_MISSING', 'ERR_ACCESS_DENIED', 'ERR_FILE_NOT_FOUND'],
        'the new file'
      )
    })
    await step('and bob’s node now knows that he may not write', () =>
      expectRefused(
        bob.call('file.create', { path: at('/plans/four'), data: encodeText('x') }),
        ['ERR_ACCESS_DENIED', 'ERR_KEY_MISSING'],
        'a write after the revocation'
      )
    )
    await step('why not? says so on both sides', async () => {
      for (const right of ['read', 'write']) {
        expectTrue(
          !(await alice.call('access.why', { principal: aliceName, path: '/plans', right })).allowed,
          `alice: ${right}`
        )
        expectTrue(
          !(await bob.call('access.why', { principal: 'node', path: at('/plans'), right })).allowed,
          `bob: ${right}`
        )
      }
    })
    await step('all of it survives a restart of both', async () => {
      await Promise.all([alice.restart(), bob.restart()])
      expectEqual(await textAt(alice, '/plans/two'), 'without bob', 'content at alice')
      expectTrue((await bob.call('node.status', {})).trees.includes(treeId), 'bob still keeps the tree')
      await bob.call('file.stat', { path: at('/plans') })
      for (const node of [alice, bob])
        expectEqual((await node.call('store.check', {})).problems, [], 'problems')
    })
    await step('bob forgets the tree when he says so', async () => {
      await expectRefused(bob.call('tree.forget', { treeId }), ['ERR_CONFIRMATION_ABSENT'], 'unconfirmed')
      await bob.call('tree.forget', { treeId, confirm: true })
      await expectRefused(bob.call('file.stat', { path: at('/plans') }), ['ERR_TREE_NOT_HOSTED'], 'forgotten')
      expectEqual(await textAt(bob, '/mine'), 'bob’s own', 'his own tree')
    })
  }
}

function createCourier({ harness, report }: ScenarioContext): Courier {
  let count = 0
  return {
    async carry(from, to, paths, recipient) {
      const file = join(harness.directory, `${from.name}-${++count}.bundle`)
      const { bytes } = await from.call('bundle.export', {
        file,
        ...(paths === undefined ? {} : { paths }),
        ...(recipient === undefined ? {} : { to: recipient })
      })
      report(`bytes of bundle ${count}, from ${from.name}`, bytes)
      return importBundle(to, file)
    }
  }
}

async function textAt(node: Node, path: string, version?: string): Promise<string> {
  if (version === undefined) return decodeText((await node.call('file.read', { path })).data)
  const call = node.client.callStream('file.get', { path, version })
  const parts: Uint8Array[] = []
  for await (const chunk of call.download) parts.push(chunk)
  await call.result
  return decodeText(Buffer.concat(parts))
}

async function expectQuarantine(alice: Node, bobId: string): Promise<void> {
  const { blocks } = await alice.call('access.quarantine', {})
  expectTrue(blocks.length > 0, 'something is set aside')
  const one = blocks.find(({ path }) => path === '/plans/one')
  const late = one?.versions[0]
  if (one === undefined || late === undefined) throw new Error('the late version of the plan is not listed')
  const { writer } =
    (await alice.call('file.history', { path: '/plans/one' })).versions.find(
      ({ versionId }) => versionId === late.versionId
    ) ?? {}
  expectEqual(writer, bobId, 'who wrote what was set aside')
  await alice.call('access.takeOver', { block: one.id, version: late.versionId })
  expectEqual(await textAt(alice, '/plans/one'), 'too late', 'content after taking over')
}
