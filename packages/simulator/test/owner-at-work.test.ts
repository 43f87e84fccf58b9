/** What a revocation is worth after a bit of a disk flipped: seed 179 met one that a damaged machine alone had held. */
import { afterEach, expect, test, vi } from 'vitest'
import { isWhole } from '../src/is-whole.ts'
import type { SimulatedNode } from '../src/node.ts'
import type { Visitor } from '../src/owner-at-work.ts'
import { Simulation } from '../src/simulation.ts'
import { Workload } from '../src/workload.ts'

vi.setConfig({ testTimeout: 600_000 }) // a busy machine takes its time

let simulation: Simulation | undefined
afterEach(async () => await simulation?.close())

interface Scene {
  readonly world: Simulation
  readonly workload: Workload
  readonly visitor: Visitor
  readonly node: SimulatedNode
}

/** Somebody who was let in is put out on node-2, which is cut off at that moment. */
async function putOutOnCutNode(): Promise<Scene> {
  const world = await Simulation.start({ seed: 'damaged revocation', nodes: 2 })
  simulation = world
  const workload = new Workload(world, 'damaged revocation')
  const { time, hub } = world
  const visitor = await time.until(workload.owner.letIn(nodeOf(world, 'node-1')), 60_000)
  await time.advance(60_000)
  hub.partition(['node-1'], ['node-2'])
  const node = nodeOf(world, 'node-2')
  await time.until(workload.owner.takeBack(node, visitor), 60_000)
  return { world, workload, visitor, node }
}

function nodeOf(world: Simulation, name: string): SimulatedNode {
  const node = world.node(name)
  if (node === undefined) throw new Error(`${name} does not run`)
  return node
}

/** Flips the bit of its disk that the record does not survive. */
function damage({ world, node }: Scene, id: Uint8Array): void {
  const { disk } = world.machine(node.identity.name)
  for (const name of disk.list('segments') ?? []) {
    const path = `segments/${name}`
    const at = Buffer.from(disk.contentOf(path) ?? []).indexOf(node.store.readRecord(id)?.bytes ?? id)
    if (at >= 0) return disk.flipBit(path, at + 1, 0)
  }
  throw new Error('no segment holds the record')
}

function revocationOf({ node, visitor }: Scene): Uint8Array {
  const [revocation] = node.tree.authority.grantRevocationsOf(visitor.grant)
  if (revocation === undefined) throw new Error('the grant was not taken back')
  return revocation.id
}

test('a revocation that only a damaged disk held is promised no longer, others on that disk are', async () => {
  const scene = await putOutOnCutNode()
  const { workload, visitor, node } = scene
  const { owner } = workload
  expect(owner.isKept(visitor.putOut?.grant)).toBe(true)
  damage(scene, revocationOf(scene))
  expect(isWhole(node, revocationOf(scene))).toBe(false)
  workload.damaged('node-2')
  expect(owner.isKept(visitor.putOut?.grant)).toBe(false)
  expect(owner.isKept(visitor.putOut?.cap)).toBe(true)
})

test('a revocation that has come to another node stays promised, by that node', async () => {
  const scene = await putOutOnCutNode()
  const { world, workload, visitor } = scene
  world.hub.heal()
  await world.time.advance(120_000)
  damage(scene, revocationOf(scene))
  workload.damaged('node-2')
  expect(visitor.putOut?.grant?.by).toBe('node-1')
  expect(workload.owner.isKept(visitor.putOut?.grant)).toBe(true)
})
