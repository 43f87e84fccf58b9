/** hyperdrive: two processes, the stream of its own replication over a socket on loopback, without a swarm. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { killWithCommands } from '../measure.ts'
import { readCpuSeconds, readMemory } from '../process-figures.ts'
import type { Replica, Replication } from './replica.ts'

const program = fileURLToPath(new URL('../peers/hyperdrive-replica.js', import.meta.url))
const packages = fileURLToPath(new URL('../node_modules', import.meta.url))

interface Side {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
  readonly reader: Interface
}

export function createHyperdriveReplica(work: string): Replica {
  return new HyperdriveReplica(work)
}

class HyperdriveReplica implements Replica {
  readonly name = 'hyperdrive'
  readonly note = 'noise; encryptionKey given, all blocks of both cores asked for at once, synced at the end'
  readonly #work: string
  #sender: Side | undefined
  #words: readonly string[] = []
  #bytes = 0

  constructor(work: string) {
    this.#work = work
  }

  missing(): string | undefined {
    return existsSync(join(packages, 'hyperdrive')) ? undefined : 'hyperdrive: run npm install --prefix bench'
  }

  async prepare(sources: readonly string[], bytes: number): Promise<void> {
    mkdirSync(this.#work, { recursive: true })
    this.#bytes = bytes
    this.#sender = start(['serve', join(this.#work, 'sender'), ...sources])
    this.#words = (await nextLine(this.#sender)).split(' ')
  }

  async replicate(): Promise<Replication> {
    const sending = this.#sender?.child.pid
    if (sending === undefined) throw new Error('not prepared')
    const repository = join(this.#work, 'receiver')
    rmSync(repository, { recursive: true, force: true })
    const receiver = start(['fetch', repository, ...this.#words])
    try {
      await nextLine(receiver)
      const started = performance.now()
      const pids = [sending, receiver.child.pid ?? 0]
      const cpuBefore = cpuOf(pids)
      const bytes = Number(await nextLine(receiver))
      if (bytes !== this.#bytes) throw new Error(`${bytes} of ${this.#bytes} bytes came`)
      spawnSync('sync', ['-f', repository])
      return {
        seconds: (performance.now() - started) / 1000,
        cpuSeconds: cpuOf(pids) - cpuBefore,
        receiverMiB: readMemory(receiver.child.pid ?? 0).peakMiB
      }
    } finally {
      await end(receiver)
      rmSync(repository, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sender !== undefined) await end(this.#sender)
  }
}

function start(words: readonly string[]): Side {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  const forget = killWithCommands(child.pid ?? 0)
  child.once('exit', forget)
  const reader = createInterface({ input: child.stdout })
  return { child, reader, lines: reader[Symbol.asyncIterator]() }
}

async function nextLine({ lines }: Side): Promise<string> {
  const line = await lines.next()
  if (line.done === true) throw new Error('hyperdrive has ended')
  return line.value
}

async function end({ child, reader }: Side): Promise<void> {
  reader.close()
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.end()
  await ended
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readCpuSeconds(pid), 0)
}
