/**
 * Clients that write under locks, draw numbers and write without either, each on a node of its own, while nodes die and
 * come back. They keep what they were answered; `judge` holds it against what is there in the end.
 */
import {
  checkLinearizability,
  type LockInput,
  lockModel,
  type Model,
  type Operation,
  sequenceModel
} from '@blocktree/coordinator'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'
import { type NodeConnection, waitFor } from '@blocktree/harness'
import type { NodeMethods } from '@blocktree/node/method-table'
import { expectEqual, expectTrue } from './expect.ts'
import type { Node } from './scenario.ts'
import { encodeText } from './text.ts'

export interface LoadOptions {
  readonly nodes: readonly Node[]
  /** There on all of them; each is locked and written by all. */
  readonly lockedPaths: readonly string[]
  readonly numbersPath: string
  /** A directory that is there on all of them. */
  readonly freePath: string
  readonly random: SeededRandom
}

export interface LockLoad extends AsyncDisposable {
  /** The node is killed now: what its clients held may pass on from here. */
  noteKilled(node: Node): void
  /** Milliseconds until a write under a lock was acknowledged that was asked for after this moment. */
  untilLocked(since: number): Promise<number>
  end(): Promise<void>
  readonly history: LoadHistory
}

/** Everything that was answered. */
export class LoadHistory {
  readonly locks: Map<string, Operation<LockInput, number>[]> = new Map()
  readonly numbers: Operation<'next', number>[] = []
  /** Versions that were acknowledged, by path. */
  readonly versions: Map<string, string[]> = new Map()
  readonly files: string[] = []
  /** Codes of what was refused or not answered. */
  readonly refusals: Map<string, number> = new Map()

  /** @throws when no order of the answers fits locks and numbers that are one for all */
  expectLinearizable(): void {
    for (const [path, operations] of this.locks) expectOrder(lockModel, operations, `the lock of ${path}`)
    expectOrder(sequenceModel, this.numbers, 'the numbers')
    const given = this.numbers.flatMap(({ returned }) => returned?.output ?? [])
    expectEqual(new Set(given).size, given.length, 'numbers that were given once')
  }

  /** Every acknowledged write is in the history of its file, every acknowledged file is there. */
  async expectKept(node: Node): Promise<void> {
    for (const [path, acknowledged] of this.versions) {
      const { versions } = await node.call('file.history', { path, limit: 10_000 })
      const kept = new Set(versions.map(({ versionId }) => versionId))
      const lost = acknowledged.filter((version) => !kept.has(version))
      expectEqual(lost, [], `acknowledged writes of ${path} that ${node.name} lost`)
    }
    for (const path of this.files) {
      const { data } = await node.call('file.read', { path })
      expectTrue(Buffer.from(data).equals(encodeText(path)), `the content of ${path} on ${node.name}`)
    }
  }

  noteRefusal(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }
}

function expectOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  what: string
): void {
  const verdict = checkLinearizability(model, operations)
  if (verdict.linearizable === true) return
  const last = verdict.linearizable === false ? JSON.stringify(verdict.longest.slice(-3)) : 'too many steps'
  throw new Error(`no order of the ${operations.length} answers fits ${what}: ${last}`)
}

const leaseMs = 1000
const pauseMs = 30

/** Two clients of locks, one of numbers and one that writes without either, on each node. */
export function startLockLoad(options: LoadOptions): LockLoad {
  const history = new LoadHistory()
  const clients = options.nodes.flatMap((node) => [
    new LockClient(options, history, node, 'left'),
    new LockClient(options, history, node, 'right')
  ])
  const others = options.nodes.flatMap((node) => [
    new NumberClient(options, history, node),
    new FreeClient(options, history, node)
  ])
  const ending = new AbortController()
  const running = Promise.all([...clients, ...others].map(async (client) => await client.run(ending.signal)))
  async function end(): Promise<void> {
    ending.abort()
    await running
  }
  return {
    history,
    noteKilled(node) {
      const now = performance.now()
      for (const client of clients) if (client.node === node) client.noteKilled(now)
    },
    async untilLocked(since) {
      const written = (): number | undefined => {
        const times = clients.flatMap(({ lastWrite }) =>
          lastWrite !== undefined && lastWrite.askedAt >= since ? [lastWrite.doneAt] : []
        )
        return times.length === 0 ? undefined : Math.min(...times)
      }
      const limit = { timeoutMs: 60_000, intervalMs: 5, description: 'a write under a lock' }
      return (await waitFor(written, limit)) - since
    },
    end,
    [Symbol.asyncDispose]: end
  }
}

/** Works until it is told to end; whatever is refused is tried again a little later, over a new connection if need be. */
abstract class LoadClient {
  readonly node: Node
  protected readonly options: LoadOptions
  protected readonly history: LoadHistory
  #connection: NodeConnection<NodeMethods> | undefined

  constructor(options: LoadOptions, history: LoadHistory, node: Node) {
    this.options = options
    this.history = history
    this.node = node
  }

  async run(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      try {
        this.#connection ??= await this.node.connect()
        await this.work(this.#connection.client)
      } catch (error) {
        this.history.noteRefusal(error)
        if (!isAnswer(error)) this.#disconnect()
        await pause(pauseMs * 3)
      }
      await pause(pauseMs)
    }
    this.#disconnect()
  }

  #disconnect(): void {
    this.#connection?.disconnect()
    this.#connection = undefined
  }

  protected abstract work(client: NodeConnection<NodeMethods>['client']): Promise<void>
}

interface HeldLock {
  readonly path: string
  readonly token: number
  readonly askedAt: number
}

class LockClient extends LoadClient {
  readonly #holder: string
  #held: HeldLock | undefined
  lastWrite: { readonly askedAt: number; readonly doneAt: number } | undefined

  constructor(options: LoadOptions, history: LoadHistory, node: Node, side: string) {
    super(options, history, node)
    this.#holder = `${node.name}-${side}`
  }

  protected async work(client: NodeConnection<NodeMethods>['client']): Promise<void> {
    const { lockedPaths, random } = this.options
    const path = lockedPaths[random.below(lockedPaths.length)] ?? ''
    const askedAt = performance.now()
    const { token } = await client.call('lock.acquire', { path, ttlMs: leaseMs, waitMs: 10_000 })
    this.#record(path, { kind: 'acquire', holder: this.#holder }, askedAt, token)
    this.#held = { path, token, askedAt }
    try {
      const data = encodeText(`${token} ${this.#holder}`)
      const { versionId } = await client.call('file.create', { path, data, replace: true, fence: token })
      this.history.versions.getOrInsertComputed(path, () => []).push(versionId)
      this.lastWrite = { askedAt, doneAt: performance.now() }
      const releasedAt = performance.now()
      const { isReleased } = await client.call('lock.release', { path, token })
      if (isReleased) this.#release(releasedAt, performance.now())
    } finally {
      this.#release(askedAt + leaseMs)
    }
  }

  /** What a dead process held, it holds no longer. */
  noteKilled(now: number): void {
    const held = this.#held
    this.#release(held === undefined ? now : Math.min(now, held.askedAt + leaseMs))
  }

  /** Without an answer: its time may end at any moment after `from`. */
  #release(from: number, answeredAt?: number): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const { path, token } = held
    this.#record(path, { kind: 'release', holder: this.#holder, token }, from, 0, answeredAt)
  }

  #record(path: string, input: LockInput, calledAt: number, output: number, at?: number): void {
    const isAnswered = input.kind === 'acquire' || at !== undefined
    const returned = isAnswered ? { at: at ?? performance.now(), output } : undefined
    const operation = { process: this.#holder, input, calledAt, returned }
    this.history.locks.getOrInsertComputed(path, () => []).push(operation)
  }
}

class NumberClient extends LoadClient {
  protected async work(client: NodeConnection<NodeMethods>['client']): Promise<void> {
    const { numbers } = this.history
    const asked = { process: this.node.name, input: 'next', calledAt: performance.now() } as const
    const index = numbers.push({ ...asked, returned: undefined }) - 1
    const { first } = await client.call('lock.sequence', { path: this.options.numbersPath })
    numbers[index] = { ...asked, returned: { at: performance.now(), output: first } }
  }
}

class FreeClient extends LoadClient {
  #count = 0

  protected async work(client: NodeConnection<NodeMethods>['client']): Promise<void> {
    const path = `${this.options.freePath}/${this.node.name}-${this.#count++}.txt`
    await client.call('file.create', { path, data: encodeText(path) })
    this.history.files.push(path)
  }
}

/** The node answered, with a code of its own. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^ERR_(COORDINATOR|LOCK|FILE)_/.test(String(error.code))
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
