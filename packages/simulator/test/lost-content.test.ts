/** Content that went with a machine is missed by nobody; content that somebody has, or promised, is. */
import { afterEach, describe, expect, it } from 'vitest'
import { disagreementsOf, untilAgreed } from '../src/invariants.ts'
import type { SimulatedNode } from '../src/node.ts'
import { Simulation } from '../src/simulation.ts'
import { differencesOf } from '../src/summary.ts'
import type { Acknowledged } from '../src/workload.ts'

const path = '/own/large'
const stepMs = 20
const open: Simulation[] = []

afterEach(async () => {
  for (const simulation of open.splice(0)) await simulation.close()
})

function nodeOf(simulation: Simulation, name: string): SimulatedNode {
  const node = simulation.node(name)
  if (node === undefined) throw new Error(`${name} does not run`)
  return node
}

/** Node 3 wrote a file, of which the others have the header and not the content. */
async function halfGiven(seed: string): Promise<{ simulation: Simulation; written: Acknowledged }> {
  const simulation = await Simulation.start({ seed, nodes: 3 })
  open.push(simulation)
  const { time, hub } = simulation
  await simulation.machine('node-3').keepImage()
  const others = ['node-1', 'node-2']
  for (const other of others) hub.setConditions('node-3', other, { bytesPerSecond: 2000 })
  const writer = nodeOf(simulation, 'node-3')
  const content = simulation.random.bytes(20_000)
  const reply = await time.until(writer.files.create(writer.owner, path, content))
  const atMs = time.now()
  const version = reply.versionId
  for (let step = 0; step < 200; step++) {
    if (others.every((name) => nodeOf(simulation, name).store.hasRecord(version))) break
    await time.advance(stepMs)
  }
  const holders = [{ node: 'node-3', fromMs: atMs, toMs: atMs }]
  return { simulation, written: { node: 'node-3', path, version, block: reply.block, content, holders } }
}

describe('content that only one machine had', () => {
  it('is missed by nobody when that machine is lost for good', async () => {
    const { simulation, written } = await halfGiven('lost')
    await simulation.destroy('node-3')
    expect(await untilAgreed(simulation, [written])).toEqual([])
    for (const node of simulation.running())
      expect(node.sync.wantedRecords.map((id) => id.toHex())).toEqual([written.version.toHex()])
  })

  it('is missed by nobody when its write was never answered', async () => {
    const { simulation } = await halfGiven('unanswered')
    await simulation.destroy('node-3')
    expect(await untilAgreed(simulation, [])).toEqual([])
  })

  it('is missed when its write was never answered, and no machine is known to have lost anything', async () => {
    const { simulation } = await halfGiven('forgotten')
    await simulation.crash('node-3', 'process')
    await simulation.machine('node-3').putBack()
    await simulation.startNode('node-3')
    await simulation.time.advance(60_000)
    expect((await disagreementsOf(simulation, [])).join()).toContain('of which nobody has what it lacks')
  })

  it('is missed where no machine may be lost', async () => {
    const { simulation } = await halfGiven('strict')
    await simulation.destroy('node-3')
    await simulation.time.advance(60_000)
    expect((await disagreementsOf(simulation)).join()).toContain('of which nobody has what it lacks')
  })

  it('is missed when a machine that is kept had promised it', async () => {
    const { simulation, written } = await halfGiven('promised')
    await simulation.destroy('node-3')
    await simulation.time.advance(60_000)
    const [holder] = written.holders
    const holders = [...written.holders, { fromMs: 0, toMs: 0, ...holder, node: 'node-1' }]
    const found = await disagreementsOf(simulation, [{ ...written, holders }])
    expect(found.join()).toContain('node-1 still wants the content of 1 records')
  })

  it('is missed while that machine is down, and comes when it is back', async () => {
    const { simulation, written } = await halfGiven('down')
    await simulation.crash('node-3', 'process')
    await simulation.time.advance(60_000)
    expect(await disagreementsOf(simulation, [written])).toHaveLength(2)
    await simulation.startNode('node-3')
    expect(await untilAgreed(simulation, [written])).toEqual([])
    for (const { files, owner } of simulation.running())
      expect(files.read(owner, path).bytes).toEqual(written.content)
  })

  it('is missed while somebody has it', async () => {
    const { simulation, written } = await halfGiven('held')
    const found = await disagreementsOf(simulation, [written])
    expect(found.join()).toContain('of which node-3 has what it lacks')
  })
})

describe('what replicas hold otherwise', () => {
  const names = ['node-1', 'node-2', 'node-3']

  it('is nothing when they hold the same', () => {
    expect(differencesOf(names, ['a\nb', 'a\nb', 'a\nb'])).toEqual([])
  })

  it('names the node and the first line', () => {
    expect(differencesOf(names, ['a\nb', 'a\nb', 'a\nc\nd'])).toEqual([
      'node-3 against node-1: 1 lines missing, 2 more; first: b'
    ])
  })

  it('says so when lines stand in another order', () => {
    expect(differencesOf(names, ['a\nb', 'b\na'])).toEqual([
      'node-2 against node-1: the same lines in another order, or some of them several times'
    ])
  })
})
