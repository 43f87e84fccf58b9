/**
 * Our own rows of the comparison: a real node that is running already, as the repository of a peer is made already.
 * Once through the RPC, from request to durable answer, and once as the whole command `blocktree put` and `blocktree get`.
 * Between storing and reading the node is restarted, untimed: nothing may come from its memory.
 */
import { join } from 'node:path'
import { blocktreeBinary, createHarness, type Harness, type NodeProcess } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable, type TransferReport } from '@blocktree/node/method-table'
import { killWithCommands, type Measurement, measureCommand } from './measure.ts'
import type { Peer } from './peers.ts'
import { readCpuSeconds, readMemory, resetPeakMemory } from './process-figures.ts'

type BenchNode = NodeProcess<NodeMethods>
type Transfer = (node: BenchNode, from: string, to: string) => Promise<Measurement | undefined>

export const treePath = '/corpus'

export interface BlocktreePeers extends AsyncDisposable {
  readonly peers: readonly Peer[]
}

export function createBlocktreePeers(): BlocktreePeers {
  const harness = createHarness<NodeMethods>({
    table: nodeMethodTable,
    environment: { BLOCKTREE_LOG_LEVEL: 'warn' }
  })
  return {
    peers: [
      createPeer(
        harness,
        'blocktree',
        'running node, transfer.import and transfer.export',
        importByRpc,
        exportByRpc
      ),
      createPeer(harness, 'blocktree put/get', 'the same as whole commands', putCommand, getCommand)
    ],
    [Symbol.asyncDispose]: () => harness.close()
  }
}

function createPeer(
  harness: Harness<NodeMethods>,
  name: string,
  note: string,
  store: Transfer,
  read: Transfer
): Peer {
  let node: BenchNode | undefined
  const running = (): BenchNode => {
    if (node === undefined) throw new Error('the node was not prepared')
    return node
  }
  return {
    name,
    note,
    missing: () => undefined,
    async prepare(work) {
      node = await harness.startNode(name, { directory: join(work, 'node') })
    },
    store: (_work, source) => measureNode(running(), (started) => store(started, source, treePath)),
    async read(_work, output) {
      await running().restart()
      return await measureNode(running(), (started) => read(started, treePath, join(output, 'tree')))
    },
    async finish() {
      await node?.stop()
      node = undefined
    }
  }
}

/** Wall time of the work; processor time and peak memory of the node, together with those of a command. */
async function measureNode(
  node: BenchNode,
  work: (node: BenchNode) => Promise<Measurement | undefined>
): Promise<Measurement> {
  const pid = node.pid
  if (pid === undefined) throw new Error('the node is not running')
  resetPeakMemory(pid)
  const forget = killWithCommands(pid)
  const cpuBefore = readCpuSeconds(pid)
  const started = performance.now()
  const command = await work(node).finally(forget)
  const wallSeconds = command?.wallSeconds ?? (performance.now() - started) / 1000
  return {
    wallSeconds,
    cpuSeconds: readCpuSeconds(pid) - cpuBefore + (command?.cpuSeconds ?? 0),
    residentMiB: Math.max(readMemory(pid).peakMiB, command?.residentMiB ?? 0)
  }
}

async function importByRpc(node: BenchNode, source: string, destination: string): Promise<undefined> {
  refuseProblems(await node.call('transfer.import', { source, destination }))
}

async function exportByRpc(node: BenchNode, source: string, destination: string): Promise<undefined> {
  refuseProblems(await node.call('transfer.export', { source, destination }))
}

export function refuseProblems({ problems }: TransferReport): void {
  const [first] = problems
  if (first === undefined) return
  throw new Error(`${problems.length} problems, the first: ${first.path}: ${first.code} ${first.reason}`)
}

function putCommand(node: BenchNode, source: string, destination: string): Promise<Measurement> {
  return measureCommand([
    process.execPath,
    blocktreeBinary,
    'put',
    '--data',
    node.directory,
    source,
    destination
  ])
}

function getCommand(node: BenchNode, source: string, destination: string): Promise<Measurement> {
  return measureCommand([
    process.execPath,
    blocktreeBinary,
    'get',
    '--data',
    node.directory,
    source,
    destination
  ])
}
