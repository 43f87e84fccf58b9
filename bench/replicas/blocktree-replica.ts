/** Ours: a node that joins gets the tree of the other, over TLS. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHarness, type Harness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { refuseProblems } from '../blocktree-peer.ts'
import { type BenchNode, freePort, joinNode } from '../joined-nodes.ts'
import { readCpuSeconds, readMemory } from '../process-figures.ts'
import type { Replica, Replication } from './replica.ts'

export function createBlocktreeReplica(): Replica {
  return new BlocktreeReplica()
}

class BlocktreeReplica implements Replica {
  readonly name = 'blocktree'
  readonly note =
    'TLS; stored encrypted, every part verified before, synced to the disk; history and rights come too'
  readonly #harness: Harness<NodeMethods> = createHarness<NodeMethods>({
    table: nodeMethodTable,
    environment: { BLOCKTREE_LOG_LEVEL: 'warn', BLOCKTREE_NETWORK_HOST: '127.0.0.1' }
  })
  #home: BenchNode | undefined
  #headers = 0
  #rounds = 0

  missing(): undefined {
    return undefined
  }

  async prepare(sources: readonly string[]): Promise<void> {
    const home = await this.#harness.startNode('home', { environment: await freePort() })
    for (const [index, source] of sources.entries())
      refuseProblems(await home.call('transfer.import', { source, destination: `/copy-${index}` }))
    this.#headers = (await home.call('node.status', {})).tree.headers
    this.#home = home
  }

  async replicate(): Promise<Replication> {
    const home = this.#home
    if (home === undefined) throw new Error('not prepared')
    const name = `box-${this.#rounds++}`
    const box = await joinNode(this.#harness, home, name)
    const started = performance.now()
    const pids = [home.pid ?? 0, box.pid ?? 0]
    const cpuBefore = cpuOf(pids)
    while (!(await this.#hasAll(box))) await sleep(50)
    const seconds = (performance.now() - started) / 1000
    const cpuSeconds = cpuOf(pids) - cpuBefore
    const receiverMiB = readMemory(box.pid ?? 0).peakMiB
    await box.stop()
    rmSync(join(this.#harness.directory, name), { recursive: true, force: true })
    return { seconds, cpuSeconds, receiverMiB }
  }

  async #hasAll(box: BenchNode): Promise<boolean> {
    const [own] = (await box.call('sync.status', {})).trees
    // receivers of former rounds are members still, and away
    if (own === undefined || own.contentsWanted > 0) return false
    if (own.peers.every(({ state }) => state !== 'in step')) return false
    return (await box.call('node.status', {})).tree.headers >= this.#headers
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#harness.close()
  }
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readCpuSeconds(pid), 0)
}
