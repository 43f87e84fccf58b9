/** Clients write to one node while the others are restarted one by one: nobody who writes is refused, nothing is missing. */
import { expectEqual } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { formatLatency, summarizeLatency } from '../percentiles.ts'
import { allInStep, countAt, expectSameContent, textAt } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

const clientCount = 4
const pauseMs = 10

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  summary:
    'Clients write while the other nodes are restarted one by one: no request fails, nothing is missing',
  async run({ harness, step, report, scale }) {
    const one = await harness.startNode('one', { environment: await loopback() })
    const nodes = [one, await joinNode(harness, one, 'two'), await joinNode(harness, one, 'three')]
    const written: string[] = []
    await step('three nodes are in step', () => allInStep(nodes))
    for (let round = 0; round < scale; round++) {
      for (const serving of nodes) {
        await step(`clients of ${serving.name}; the others are restarted`, async () => {
          const path = `/${serving.name}-${round}`
          await serving.call('file.mkdir', { path })
          await using clients = startClients(serving, path)
          for (const other of nodes) {
            if (other === serving) continue
            await clients.more(10)
            if (round % 2 === 0) await other.stop()
            else {
              other.kill()
              await other.exit
            }
            await clients.more(10)
            await other.start()
            const isBack = async (): Promise<boolean> =>
              (await other.call('peer.list', {})).peers.length === 2
            await waitUntil(isBack, `${other.name} has both others again`, 120_000)
          }
          await clients.more(10)
          const { paths, times, failures } = await clients.end()
          expectEqual(failures, [], `failed requests on ${serving.name}`)
          report(`writes on ${serving.name}, round ${round + 1}`, formatLatency(summarizeLatency(times)))
          written.push(...paths)
        })
      }
    }
    await step('every file is on every node', async () => {
      for (const node of nodes)
        for (let round = 0; round < scale; round++)
          for (const { name } of nodes) {
            const path = `/${name}-${round}`
            const expected = written.filter((file) => file.startsWith(`${path}/`)).length
            const isWhole = async (): Promise<boolean> => (await countAt(node, path)) === expected
            await waitUntil(isWhole, `${expected} files at ${path} on ${node.name}`, 120_000)
          }
      await allInStep(nodes)
      report('files on each', await expectSameContent(nodes, '/'))
      expectEqual(await textAt(one, written.at(-1) ?? ''), written.at(-1), 'the last file')
      report('failed requests', 0)
    })
  }
}

interface Clients extends AsyncDisposable {
  /** Resolves when so many more files are written. */
  more(count: number): Promise<unknown>
  end(): Promise<{
    readonly paths: readonly string[]
    readonly times: readonly number[]
    readonly failures: readonly string[]
  }>
}

/** Each over a connection of its own: writes a file, reads it again, and so on. */
function startClients(node: Node, directory: string): Clients {
  const paths: string[] = []
  const times: number[] = []
  const failures: string[] = []
  const ended = new AbortController()
  async function write(client: number): Promise<void> {
    await using connection = await node.connect()
    for (let file = 0; !ended.signal.aborted; file++) {
      const path = `${directory}/client-${client}-${file}.txt`
      const started = performance.now()
      try {
        await connection.client.call('file.create', { path, data: encodeText(path) })
        await connection.client.call('file.read', { path })
        paths.push(path)
      } catch (error) {
        failures.push(`${path}: ${String(error)}`)
      }
      times.push(performance.now() - started)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const running = Promise.all(Array.from({ length: clientCount }, (_, client) => write(client)))
  async function end(): ReturnType<Clients['end']> {
    ended.abort()
    await running
    return { paths, times, failures }
  }
  return {
    more: (count) => {
      const goal = times.length + count
      return waitUntil(async () => times.length >= goal, `${count} more requests on ${node.name}`)
    },
    end,
    async [Symbol.asyncDispose]() {
      await end()
    }
  }
}
