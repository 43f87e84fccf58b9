/** Two owners with a tree each: shares both ways, hosting for one another, messages, and the end of it. A third gets nothing. */
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { allInStep, arrives, rewriteText, textAt, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

const refusals = ['ERR_MESSAGE_DENIED', 'ERR_MESSAGE_UNREACHABLE', 'ERR_MESSAGE_TIMEOUT']

export const twoTrees: Scenario = {
  name: 'two-trees',
  summary:
    'Two owners exchange shares and messages between their trees, host for one another, revoke; a third gets nothing',
  async run({ harness, step, report, random }) {
    const ms = (name: string, value: number): void => report(`${name}, ms`, Math.round(value))
    const start = async (name: string): Promise<Node> =>
      await harness.startNode(name, { environment: await loopback() })
    const [alice, bob, carol] = await Promise.all([start('alice'), start('bob'), start('carol')])
    const treeOf = async (node: Node): Promise<string> => (await node.call('node.status', {})).treeId
    const [aliceTree, bobTree] = await Promise.all([treeOf(alice), treeOf(bob)])
    const photos = `/${aliceTree}/photos`
    const music = `/${bobTree}/music`
    await alice.call('file.mkdir', { path: '/photos' })
    await alice.call('file.mkdir', { path: '/diary' })
    await writeText(alice, '/photos/one.txt', 'the first photo')
    await writeText(alice, '/diary/today.txt', 'for nobody else')
    await bob.call('file.mkdir', { path: '/music' })
    const [box, attic] = await step('each owner has a second node', () =>
      Promise.all([joinNode(harness, alice, 'box'), joinNode(harness, bob, 'attic')])
    )

    await step('alice shares photos over the network; bob has them beside his own tree', async () => {
      const { code } = await alice.call('node.invite', { path: '/photos', share: true, approved: true })
      const joined = await bob.call('node.join', { code })
      expectEqual(joined, { treeId: aliceTree, path: photos, rights: ['read'] }, 'what bob was given')
      ms('the share is there after', await arrives([bob], `${photos}/one.txt`, 'the first photo'))
      expectEqual(await textAt(bob, `/${aliceTree}/diary/today.txt`), undefined, 'what was not shared')
      await expectRefused(writeText(bob, `${photos}/mine.txt`, 'no'), ['ERR_ACCESS_DENIED'], 'a write')
      const { members } = await alice.call('node.members', {})
      expectEqual(members.length, 2, 'nodes of the tree of alice: a share makes no member')
      await expectRefused(carol.call('node.join', { code }), ['ERR_INVITATION_REFUSED'], 'a used code')
    })
    await step('bob shares music for writing, and agrees by hand', async () => {
      const rights = ['read', 'write', 'create']
      const { code } = await bob.call('node.invite', { path: '/music', share: true, rights })
      const joining = alice.call('node.join', { code, name: 'alice' })
      await waitUntil(
        async () => (await bob.call('node.candidates', {})).candidates.length === 1,
        'alice waits at bob'
      )
      await bob.call('node.approve', { candidate: 'alice' })
      expectEqual((await joining).rights.toSorted(), rights.toSorted(), 'what alice was given')
      await arrivesAtAll([alice], music)
      await writeText(alice, `${music}/song.txt`, 'by alice')
      ms(
        'what alice writes is on both nodes of bob after',
        await arrives([bob, attic], '/music/song.txt', 'by alice')
      )
    })

    await step('both ways it is kept in step, from every node, over restarts', async () => {
      await writeText(box, '/photos/two.txt', 'from the box')
      ms('a change is with bob after', await arrives([bob], `${photos}/two.txt`, 'from the box'))
      const [first, second] = random.below(2) === 0 ? [alice, bob] : [bob, alice]
      await first.stop()
      await writeText(attic, '/music/late.txt', 'while one was away')
      await writeText(box, '/photos/late.txt', 'while one was away')
      await second.stop()
      await first.start()
      await second.start()
      await arrives([alice], `${music}/late.txt`, 'while one was away')
      await arrives([bob], `${photos}/late.txt`, 'while one was away')
      await rewriteText(alice, `${music}/song.txt`, 'BY ALICE')
      await arrives([bob, attic], '/music/song.txt', 'BY ALICE')
    })

    await step('bob hosts a directory of alice that he cannot read', async () => {
      await alice.call('file.mkdir', { path: '/vault' })
      await writeText(alice, '/vault/will.txt', 'sealed')
      const { code } = await alice.call('node.invite', { path: '/vault', rights: ['host'], approved: true })
      const joined = await bob.call('node.join', { code })
      expectEqual(joined.rights, ['host'], 'what bob was given')
      const isKept = async (): Promise<boolean> =>
        (await alice.call('sync.wait', { path: '/vault/will.txt', copies: 3, timeoutMs: 2000 })).kept >= 3
      ms('a promise of bob for it after', await waitUntil(isKept, 'alice, the box and bob keep it'))
      expectEqual(await textAt(bob, `/${aliceTree}/vault/will.txt`), undefined, 'what bob reads of it')
      const own = await bob.call('node.members', {})
      expectEqual(own.members.length, 2, 'nodes of the tree of bob')
      const theirs = await bob.call('node.members', { path: `/${aliceTree}` })
      expectEqual(theirs.members.length, 3, 'nodes of the tree of alice, bob among them')
    })

    const bobId = (await bob.call('node.status', {})).node.id
    await step('messages go between principals and paths of both trees', async () => {
      const ask = { topic: 'ping', content: encodeText('hello'), replyWithinMs: 20_000 }
      const toPath = await bob.call('message.send', { to: photos, ...ask })
      expectEqual(decodeText(toPath.reply ?? new Uint8Array()), 'hello', 'reply of who serves a path')
      const toPrincipal = await alice.call('message.send', { to: bobId, ...ask })
      expectEqual(toPrincipal.takenBy, bobId, 'who took it')
      await expectRefused(
        alice.call('message.send', { to: bobId, topic: 'nobody listens', content: new Uint8Array(1) }),
        ['ERR_MESSAGE_UNHEARD'],
        'a topic that nobody takes'
      )
      const listening = await alice.client.subscribe(
        'message.listen',
        { topic: 'guestbook' },
        {
          onEvent: ({ message, from, treeId, content }) => {
            const said = `${from === bobId} ${treeId === aliceTree} ${decodeText(content)}`
            void alice.call('message.reply', { message, content: encodeText(said) })
          }
        }
      )
      const signed = await bob.call('message.send', {
        to: photos,
        topic: 'guestbook',
        content: encodeText('nice'),
        replyWithinMs: 20_000
      })
      expectEqual(decodeText(signed.reply ?? new Uint8Array()), 'true true nice', 'reply of a program')
      listening.unsubscribe()
    })
    await step('a flood is refused by its code, and hurts nobody else', async () => {
      const ping = { to: photos, topic: 'ping', content: new Uint8Array(8) }
      const outcomes = await Promise.allSettled(
        Array.from({ length: 1200 }, () => bob.call('message.send', ping))
      )
      const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : []))
      report('messages of a flood that were taken', outcomes.length - codes.length)
      expectEqual([...new Set(codes)], ['ERR_MESSAGE_BUSY'], 'how it was refused')
      const other = { to: '/', topic: 'ping', content: encodeText('still'), replyWithinMs: 20_000 }
      expectEqual(
        decodeText((await box.call('message.send', other)).reply ?? new Uint8Array()),
        'still',
        'reply'
      )
      await waitUntil(async () => await isTaken(bob.call('message.send', ping)), 'bob is heard again')
    })

    await step('a third owner with a share of bob gets nothing of alice', async () => {
      const { code } = await bob.call('node.invite', { path: '/music', share: true, approved: true })
      await carol.call('node.join', { code })
      await arrives([carol], `${music}/song.txt`, 'BY ALICE')
      await expectRefused(carol.call('file.list', { path: photos }), ['ERR_TREE_NOT_HOSTED'], 'a list')
      const link = (await alice.call('grant.issue', { path: '/photos', link: true })).link ?? ''
      await carol.call('access.accept', { line: link }) // it opens bundles; to nodes it is no right
      await carol.call('sync.compare', {})
      const isRefused = async (): Promise<boolean> => {
        const { trees } = await carol.call('sync.status', {})
        const peers = trees.find(({ treeId }) => treeId === aliceTree)?.peers ?? []
        return peers.length > 0 && peers.every(({ state }) => state === 'forbidden')
      }
      await waitUntil(isRefused, 'carol is refused by all whom she asks')
      const { trees } = await carol.call('tree.list', {})
      expectEqual(trees.find(({ treeId }) => treeId === aliceTree)?.records, 0, 'records of alice at carol')
      await expectRefused(
        carol.call('message.send', { to: photos, topic: 'ping', content: new Uint8Array(1) }),
        refusals,
        'a message to a node of alice'
      )
    })

    await step('what alice takes back ends at once; what was there stays known', async () => {
      await allInStep([alice, box])
      const { grants } = await alice.call('grant.list', { path: '/photos' })
      const mine = grants.filter(({ recipientId }) => recipientId === bobId)
      expectEqual(mine.length, 1, 'grants of bob')
      for (const { id } of mine) await alice.call('grant.revoke', { grant: id })
      const { caps } = await alice.call('cap.list', { path: '/vault' })
      for (const cap of caps.filter(({ subjectId }) => subjectId === bobId))
        await alice.call('cap.revoke', { cap: cap.id })
      await writeText(alice, '/photos/private.txt', 'after the end')
      await arrives([box], '/photos/private.txt', 'after the end')
      const ping = { to: photos, topic: 'ping', content: new Uint8Array(1), replyWithinMs: 5000 }
      await expectRefused(bob.call('message.send', ping), refusals, 'a message of bob')
      await bob.call('sync.compare', {})
      expectEqual(await textAt(bob, `${photos}/private.txt`), undefined, 'what came later')
      expectEqual(await textAt(bob, `${photos}/one.txt`), 'the first photo', 'what bob had')
      const standings = (await alice.call('peer.list', {})).peers.filter(
        ({ principal }) => principal === bobId
      )
      // alice keeps a share of bob: his nodes are members there, and that stays
      expectTrue(standings.length <= 1, 'connections of bob')
    })
    await step('and what bob gave goes on', async () => {
      await writeText(bob, '/music/last.txt', 'still here')
      await arrives([alice], `${music}/last.txt`, 'still here')
      await alice.call('tree.forget', { treeId: bobTree, confirm: true })
      const { trees } = await alice.call('tree.list', {})
      expectEqual(trees.length, 1, 'trees at alice')
    })
  }
}

async function arrivesAtAll(nodes: readonly Node[], path: string): Promise<void> {
  for (const node of nodes)
    await waitUntil(
      () =>
        node.call('file.list', { path }).then(
          () => true,
          () => false
        ),
      `${path} on ${node.name}`
    )
}

function isTaken(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
