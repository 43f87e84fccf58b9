import { expectEqual, expectTrue } from '../expect.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'

interface Written {
  readonly path: string
  readonly data: Uint8Array
}

/** SIGKILL takes the process at any instruction; what the disk itself may lose is tested by the faulty file system of the store. */
export const powerLoss: Scenario = {
  name: 'power-loss',
  summary:
    'SIGKILL at random moments of a busy node: what was acknowledged is there, the rest is absent or complete',
  async run(context) {
    const { harness, step, scale, report, random } = context
    const node = harness.prepareNode('alice')
    const rounds = Number(process.env['KILL_ROUNDS'] ?? 25 * scale)
    const acknowledged = new Map<string, Written>()
    const attempted = new Map<string, Uint8Array>()
    let recovered = 0
    await step('the first start', async () => {
      await node.start()
      await node.call('file.mkdir', { path: '/files' })
    })
    for (let round = 0; round < rounds; round++) {
      await step(`round ${round}: write until the kill`, () =>
        writeUntilKilled(context, node, round, acknowledged, attempted)
      )
      await step(`round ${round}: everything acknowledged is there`, async () => {
        await node.start()
        recovered += (await node.call('node.status', {})).recovery.length > 0 ? 1 : 0
        const sample = round === rounds - 1 ? [...acknowledged.values()] : newest(acknowledged, 200)
        for (const { path, data } of sample) await expectContent(node, path, data)
        await expectAbsentOrComplete(node, acknowledged, attempted)
      })
      if (random.below(5) === 0) {
        await step(`round ${round}: check finds nothing`, async () => {
          expectEqual(
            (await node.call('store.check', { quick: random.below(2) === 0 })).problems,
            [],
            'problems'
          )
        })
      }
    }
    report('rounds', rounds)
    report('acknowledged writes', acknowledged.size)
    report('starts that repaired something', recovered)
  }
}

async function writeUntilKilled(
  { random }: ScenarioContext,
  node: Node,
  round: number,
  acknowledged: Map<string, Written>,
  attempted: Map<string, Uint8Array>
): Promise<void> {
  const killAt = performance.now() + 20 + random.below(250)
  let index = 0
  async function writer(): Promise<void> {
    while (performance.now() < killAt) {
      const path = `/files/r${round}-${index++}`
      const data = random.bytes(1 + random.below(random.below(10) === 0 ? 300_000 : 6000))
      attempted.set(path, data)
      await node.call('file.create', { path, data })
      acknowledged.set(path, { path, data })
    }
  }
  const writers = Array.from({ length: 16 }, () => writer())
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, killAt - performance.now())))
  node.kill()
  await Promise.allSettled(writers)
  await node.exit
}

function newest(acknowledged: ReadonlyMap<string, Written>, count: number): readonly Written[] {
  return [...acknowledged.values()].slice(-count)
}

async function expectContent(node: Node, path: string, data: Uint8Array): Promise<void> {
  const read = await node.call('file.read', { path })
  expectTrue(Buffer.compare(read.data, data) === 0, `${path} has other content than was acknowledged`)
}

/** Of what was not acknowledged nothing is half there; what is settled is forgotten. */
async function expectAbsentOrComplete(
  node: Node,
  acknowledged: ReadonlyMap<string, Written>,
  attempted: Map<string, Uint8Array>
): Promise<void> {
  for (const [path, data] of attempted) {
    attempted.delete(path)
    if (acknowledged.has(path)) continue
    const isThere = await node.call('file.stat', { path }).then(
      () => true,
      () => false
    )
    if (isThere) await expectContent(node, path, data)
  }
}
