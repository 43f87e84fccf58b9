/** A laptop, a box at home and a rented server in one tree: the story of a cluster, with what it took. */
import { expectEqual, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import {
  allInStep,
  arrives,
  dataAt,
  expectSameConflicts,
  expectSameContent,
  rewriteText,
  textAt,
  writeText
} from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

export const threeNodes: Scenario = {
  name: 'three-nodes',
  summary:
    'Laptop, box and server in one tree: each has what any wrote, whichever is killed or lost for good',
  async run({ harness, step, report, random, scale }) {
    const ms = (name: string, value: number): void => report(`${name}, ms`, Math.round(value))
    const laptop = await harness.startNode('laptop', { environment: await loopback() })
    await laptop.call('node.rename', { name: 'laptop' })
    await laptop.call('file.mkdir', { path: '/documents' })
    const photo = random.bytes(1_000_000)
    await laptop.call('file.create', { path: '/documents/photo.jpg', data: photo })

    const box = await step('the box joins with a code; the owner compares the fingerprint and approves', () =>
      joinNode(harness, laptop, 'box', { isApprovedByHand: true })
    )
    const server = await step('the server joins with a code that lets it in at once', () =>
      joinNode(harness, laptop, 'server')
    )
    const nodes = [laptop, box, server]
    await step('all three are in step and connected with each other', async () => {
      ms('three nodes in step after', await allInStep(nodes))
      for (const node of nodes) {
        await waitUntil(async () => (await memberNames(node)).length === 3, `members at ${node.name}`)
        expectEqual(await memberNames(node), ['box', 'laptop', 'server'], `what ${node.name} calls them`)
        const { members } = await node.call('node.members', {})
        expectEqual(
          members.map(({ isConnected }) => isConnected),
          [true, true, true],
          `connections of ${node.name}`
        )
      }
    })

    await step('what is written on each is on all', async () => {
      let longest = 0
      for (let round = 0; round < 5 * scale; round++) {
        for (const node of nodes) {
          const path = `/documents/${node.name}-${round}.txt`
          await writeText(node, path, `${node.name} wrote this, ${round}`)
          longest = Math.max(longest, await arrives(nodes, path, `${node.name} wrote this, ${round}`))
        }
      }
      ms('a file is on all three after, at most', longest)
      await waitUntil(async () => (await sizesOf(nodes)).every((size) => size === photo.length), 'the photo')
      expectEqual(await expectSameContent(nodes, '/documents'), 15 * scale + 1, 'files with equal content')
    })

    await step('a write waits for the promise of all three', async () => {
      await writeText(laptop, '/documents/will.txt', 'to be kept by all')
      const { promise } = await laptop.call('sync.wait', { path: '/documents/will.txt', copies: 3 })
      expectEqual(promise, '3 of 3', 'promise')
    })

    await step(
      'two edit one file while they are apart: one winner everywhere, the other in the list',
      async () => {
        await writeText(laptop, '/documents/plan.txt', 'a plan for all')
        await arrives(nodes, '/documents/plan.txt', 'a plan for all')
        await box.stop()
        await rewriteText(laptop, '/documents/plan.txt', 'LAPTOP has this')
        await Promise.all([laptop.stop(), server.stop()])
        await box.start()
        await rewriteText(box, '/documents/plan.txt', 'the BOX has one')
        await Promise.all([laptop.start(), server.start()])
        ms(
          'the conflict is known to all after',
          await waitUntil(() => allKnowOneConflict(nodes), 'one conflict')
        )
        expectEqual(await expectSameConflicts(nodes), ['/documents/plan.txt'], 'paths in conflict')
        expectEqual(new Set(await textsOf(nodes, '/documents/plan.txt')).size, 1, 'shown versions')
      }
    )
    await step('the loser is still there, and the owner decides', async () => {
      const shown = await textAt(laptop, '/documents/plan.txt')
      const { versions } = await laptop.call('file.history', { path: '/documents/plan.txt' })
      const head = versions.find(({ label }) => label === 'head')
      expectTrue(head !== undefined, 'the loser is in the history')
      await server.call('file.resolve', {
        path: '/documents/plan.txt',
        ...(head === undefined ? {} : { keep: head.versionId })
      })
      await waitUntil(async () => (await conflictsOf(nodes)).every((count) => count === 0), 'no conflict')
      const chosen = await textsOf(nodes, '/documents/plan.txt')
      expectEqual(new Set(chosen).size, 1, 'shown versions')
      expectTrue(chosen[0] !== shown && chosen[0] !== undefined, 'the other version is shown now')
    })

    await step('one is killed in the middle of it, started again, and catches up', async () => {
      const victim = nodes[random.below(3)] ?? box
      const others = nodes.filter((node) => node !== victim)
      const [writer = laptop] = others
      for (let file = 0; file < 20 * scale; file++) {
        await writeText(writer, `/documents/late-${file}.txt`, `late ${file}`)
        if (file !== 5) continue
        victim.kill()
        await victim.exit
      }
      await arrives(others, `/documents/late-${20 * scale - 1}.txt`, `late ${20 * scale - 1}`)
      await victim.start()
      report('killed', victim.name)
      const lastPath = `/documents/late-${20 * scale - 1}.txt`
      ms('back in step after', await arrives([victim], lastPath, `late ${20 * scale - 1}`))
      await allInStep(nodes)
      await expectSameContent(nodes, '/documents')
    })

    await step('any one is lost for good, and the others have everything and go on', async () => {
      for (const [index, lost] of nodes.entries()) {
        await allInStep(nodes)
        const path = `/documents/last-of-${lost.name}.txt`
        await writeText(lost, path, `the last word of ${lost.name}`)
        const { promise } = await lost.call('sync.wait', { path, copies: 3, timeoutMs: 60_000 })
        expectEqual(promise, '3 of 3', `promise of ${lost.name}`)
        lost.kill()
        await lost.exit
        const rest = nodes.filter((node) => node !== lost)
        for (const node of rest)
          expectEqual(await textAt(node, path), `the last word of ${lost.name}`, `${path} on ${node.name}`)
        for (const node of rest)
          expectTrue(
            Buffer.from((await dataAt(node, '/documents/photo.jpg')) ?? []).equals(photo),
            `the photo on ${node.name} without ${lost.name}`
          )
        await expectSameContent(rest, '/documents')
        const [one = laptop] = rest
        await writeText(one, `/documents/without-${index}.txt`, `without ${lost.name}`)
        await arrives(rest, `/documents/without-${index}.txt`, `without ${lost.name}`)
        if (lost !== server) await lost.start() // the server is not coming back
      }
    })
    await step('a new machine takes the place of the lost one', async () => {
      const { caps } = await laptop.call('node.remove', { principal: 'server', confirm: true })
      expectEqual(caps, 1, 'caps of the lost machine')
      const fresh = await joinNode(harness, laptop, 'new-server')
      const all = [laptop, box, fresh]
      const last = '/documents/last-of-server.txt'
      ms('the new machine has everything after', await arrives([fresh], last, 'the last word of server'))
      await waitUntil(async () => (await sizesOf(all)).every((size) => size === photo.length), 'the photo')
      await allInStep(all)
      report('files on the new machine', await expectSameContent(all, '/documents'))
    })
  }
}

async function memberNames(node: Node): Promise<readonly string[]> {
  const { members } = await node.call('node.members', {})
  return members.map(({ name }) => name).toSorted()
}

const textsOf = (nodes: readonly Node[], path: string): Promise<readonly (string | undefined)[]> =>
  Promise.all(nodes.map((node) => textAt(node, path)))

const sizesOf = (nodes: readonly Node[]): Promise<readonly (number | undefined)[]> =>
  Promise.all(nodes.map(async (node) => (await dataAt(node, '/documents/photo.jpg'))?.length))

const conflictsOf = (nodes: readonly Node[]): Promise<readonly number[]> =>
  Promise.all(nodes.map(async (node) => (await node.call('file.conflicts', {})).conflicts.length))

async function allKnowOneConflict(nodes: readonly Node[]): Promise<boolean> {
  return (await conflictsOf(nodes)).every((count) => count === 1)
}
