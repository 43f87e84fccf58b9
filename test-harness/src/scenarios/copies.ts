/**
 * Two copies of each file on three machines, and a laptop that keeps nothing for others: who keeps what, what becomes of
 * it when one machine is lost for good, and that the laptop reads everything through a small cache.
 */
import { expectEqual, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { allInStep, dataAt } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

const cacheBytes: number = 1024 * 1024
const fileBytes: number = 256 * 1024
const limitMs = 240_000

export const copies: Scenario = {
  name: 'copies',
  summary:
    'Two copies of each file on three nodes; one is lost for good, and its copies are made again; a laptop reads all through a small cache',
  async run({ harness, step, report, random }) {
    const home = await harness.startNode('home', { environment: await loopback() })
    await home.call('file.mkdir', { path: '/data' })
    const box = await joinNode(harness, home, 'box')
    const server = await joinNode(harness, home, 'server')
    const onDemand = { BLOCKTREE_SYNC_CONTENT: 'on-demand', BLOCKTREE_SYNC_CACHE: String(cacheBytes) }
    const environment = { ...(await loopback()), ...onDemand }
    const laptop = await joinNode(harness, home, 'laptop', { environment })
    const keepers = [home, box, server]
    const contents = new Map<string, Uint8Array>()
    const write = async (node: Node, path: string): Promise<void> => {
      const data = random.bytes(fileBytes)
      contents.set(path, data)
      await node.call('file.create', { path, data })
    }
    const areKept = (nodes: readonly Node[], count: number) => async (): Promise<boolean> => {
      for (const path of contents.keys()) if ((await placesOf(nodes, path)) !== count) return false
      return true
    }
    const expectReadable = async (node: Node): Promise<void> => {
      for (const [path, data] of contents) {
        const read = await dataAt(node, path)
        expectTrue(read !== undefined && Buffer.from(read).equals(data), `${path} on ${node.name}`)
      }
    }
    await step('a directory asks for two copies', async () => {
      await allInStep([...keepers, laptop])
      const set = await home.call('sync.setPolicy', { path: '/data', policy: 'copies', copies: 2 })
      expectEqual([set.policy, set.copies, set.from], ['copies', 2, '/data'], 'what was set')
      const seen = async (): Promise<boolean> =>
        (await laptop.call('sync.policy', { path: '/data' })).policy === 'copies'
      await waitUntil(seen, 'the policy on the laptop')
    })
    await step('two of three nodes keep each file; the writer lets go of the others', async () => {
      for (let file = 0; file < 12; file++) await write(home, `/data/file-${file}`)
      const took = await waitUntil(areKept(keepers, 2), 'two copies of each', limitMs)
      report('two copies of each after, ms', Math.round(took))
    })
    await step('the laptop keeps none of them, and reads all of them twice through its cache', async () => {
      const isFirst = await placesOf([laptop], '/data/file-0')
      expectEqual(isFirst, 0, 'copies on the laptop')
      await expectReadable(laptop)
      await expectReadable(laptop)
      await waitUntil(async () => (await cachedAt(laptop)) <= cacheBytes, 'room in the cache', limitMs)
    })
    await step('what the laptop writes is kept by two others', async () => {
      await write(laptop, '/data/from-laptop')
      await waitUntil(areKept(keepers, 2), 'two copies of its file', limitMs)
    })
    const lost = (random.bytes(1)[0] ?? 0) < 128 ? box : server
    const rest = keepers.filter((node) => node !== lost)
    await step(`${lost.name} is lost for good and removed; its copies are made again`, async () => {
      lost.kill()
      await home.call('node.remove', { principal: lost.name, confirm: true })
      const took = await waitUntil(areKept(rest, 2), 'two copies of each on those that are left', limitMs)
      report('two copies again after, ms', Math.round(took))
    })
    await step('nothing is lost, and every count says so', async () => {
      for (const node of [...rest, laptop]) await expectReadable(node)
      for (const node of rest)
        await waitUntil(async () => await isAllKept(node), `${node.name} misses nothing`, limitMs)
      const { receipts } = await home.call('sync.receipts', { path: '/data/file-0' })
      expectTrue(
        receipts.every(({ holder, state }) => holder !== lost.name || state !== 'good'),
        'a promise of the lost node counts'
      )
      const waited = await home.call('sync.wait', { path: '/data/file-0', copies: 2, timeoutMs: 30_000 })
      expectEqual(waited.promise, '2 of 2', 'who keeps a file')
    })
    await step('the same after all were started again', async () => {
      for (const node of [...rest, laptop]) await node.restart()
      await allInStep([...rest, laptop])
      await expectReadable(laptop)
      await waitUntil(areKept(rest, 2), 'two copies of each', limitMs)
    })
  }
}

/** How many of the nodes keep the content at a path. */
async function placesOf(nodes: readonly Node[], path: string): Promise<number> {
  const places = await Promise.all(
    nodes.map(async (node) => {
      try {
        return (await node.call('sync.receipts', { path })).here
      } catch {
        return 'unknown' // its name has not come yet
      }
    })
  )
  return places.filter((place) => place === 'kept').length
}

async function cachedAt(node: Node): Promise<number> {
  const { trees } = await node.call('sync.status', {})
  return trees[0]?.cachedBytes ?? 0
}

async function isAllKept(node: Node): Promise<boolean> {
  const { trees } = await node.call('sync.status', {})
  const contents = trees[0]?.contents
  return contents !== undefined && contents.missing + contents.underReplicated + contents.surplus === 0
}
