/**
 * One real node: the emitted binary on the bundled runtime, in a directory of its own, spoken to over its pipes or its
 * socket. A node outlives none of these: `stop`, `kill`, the harness, the test process.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { MethodShapes, MethodTable, RpcClient } from '@blocktree/rpc'
import { connectSocket, connectStreams, type ConnectOptions, type NodeConnection } from './connection.ts'
import { HarnessError } from './harness-error.ts'
import { type LogEntry, LogReader } from './log-reader.ts'
import type { Reaper } from './reaper.ts'

export interface NodeOptions<M extends MethodShapes<M>> {
  readonly name: string
  /** The data directory; made by the node at its first start. */
  readonly directory: string
  readonly table?: MethodTable<M>
  /** Further words after `start`. */
  readonly arguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Words before the program, of a command that becomes it: one that enters a network namespace. */
  readonly launcher?: readonly string[]
  /** Default 20,000. */
  readonly startTimeoutMs?: number
}

export interface NodeExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export const blocktreeBinary: string = fileURLToPath(
  new URL('../../packages/cli/bin/blocktree.cjs', import.meta.url)
)

/** What the launcher gives a node that is started without; the tests and figures here are not about that step. */
const memoryFlags = ['--max-semi-space-size=8', '--max-old-space-size=1024']

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export class NodeProcess<M extends MethodShapes<M>> implements AsyncDisposable {
  readonly name: string
  readonly directory: string
  readonly #options: NodeOptions<M>
  readonly #reaper: Reaper
  readonly #log = new LogReader()
  #child: Child | undefined
  #client: RpcClient<M> | undefined
  #exit: Promise<NodeExit> = Promise.resolve({ code: null, signal: null })

  constructor(options: NodeOptions<M>, reaper: Reaper) {
    this.name = options.name
    this.directory = options.directory
    this.#options = options
    this.#reaper = reaper
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** undefined when it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get socketPath(): string {
    return join(this.directory, 'rpc.sock')
  }

  /** The client on the pipes of the process. ERR_HARNESS_ENDED when it is not running. */
  get client(): RpcClient<M> {
    if (this.#client === undefined) throw this.#ended()
    return this.#client
  }

  /** How the running process ends, or the last one ended. */
  get exit(): Promise<NodeExit> {
    return this.#exit
  }

  /** What the node wrote on stderr, oldest first; bounded. */
  get log(): readonly LogEntry[] {
    return this.#log.entries
  }

  /** Starts the process and waits for its first answer. ERR_HARNESS_START with the end of the log when none comes. */
  async start(extraArguments: readonly string[] = []): Promise<void> {
    if (this.#child !== undefined) return
    this.#spawn(extraArguments)
    const timeoutMs = this.#options.startTimeoutMs ?? 20_000
    const answered = this.client.request('node.ping', {}, { timeoutMs })
    const outcome = await Promise.race([
      answered.then(
        () => undefined,
        (error: unknown) => error
      ),
      this.#exit.then((exit) => new Error(`it ended with ${String(exit.code ?? exit.signal)}`))
    ])
    if (outcome === undefined) return
    this.kill()
    await this.#exit
    throw new HarnessError('ERR_HARNESS_START', `node "${this.name}" did not start: ${this.#log.tail()}`, {
      cause: outcome
    })
  }

  /** Any method over the pipes; rejects with RpcError. */
  call<K extends Extract<keyof M, string>>(method: K, params: M[K]['params']): Promise<M[K]['result']> {
    return this.client.call(method, params)
  }

  /** A further connection, over the socket. */
  connect(options: ConnectOptions<M> = {}): Promise<NodeConnection<M>> {
    const { table } = this.#options
    return connectSocket<M>(this.socketPath, { ...(table === undefined ? {} : { table }), ...options })
  }

  /** Bytes onto the node's stdin, as they are: for input that no client would send. */
  writeRaw(bytes: Uint8Array | string): boolean {
    if (this.#child === undefined) throw this.#ended()
    return this.#child.stdin.write(bytes)
  }

  /** Ends its input and waits until it has ended by itself. */
  async stop(): Promise<NodeExit> {
    this.#child?.stdin.end()
    return this.#exit
  }

  /** SIGKILL: nothing more of it runs. Await `exit` for its end. */
  kill(): void {
    this.signal('SIGKILL')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Stops its clock, in effect: it runs on with `resume`. */
  pause(): void {
    this.signal('SIGSTOP')
  }

  resume(): void {
    this.signal('SIGCONT')
  }

  /** `stop`, then `start`. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill()
    await this.#exit
  }

  #spawn(extraArguments: readonly string[]): void {
    if (!existsSync(fileURLToPath(new URL('../../packages/cli/dist/bundle/bin.js', import.meta.url)))) {
      throw new HarnessError(
        'ERR_HARNESS_BUILD',
        'packages/cli/dist/bundle/bin.js is not there; run npm run build'
      )
    }
    const words = ['start', '--data', this.directory, ...(this.#options.arguments ?? []), ...extraArguments]
    const line = [
      ...(this.#options.launcher ?? []),
      process.execPath,
      ...memoryFlags,
      blocktreeBinary,
      ...words
    ]
    const [program = process.execPath, ...rest] = line
    const child = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...foreignEnvironment(),
        BLOCKTREE_LOG_FORMAT: 'json',
        BLOCKTREE_APPS_PORT: '0', // several nodes must not fight over the usual one
        BLOCKTREE_NETWORK_PORT: '0',
        BLOCKTREE_NETWORK_HOST: '127.0.0.1',
        ...this.#options.environment
      }
    })
    const pid = child.pid
    if (pid !== undefined) this.#reaper.watchProcess(pid)
    child.stderr.on('data', (chunk: Buffer) => this.#log.push(chunk))
    const { table } = this.#options
    this.#client = connectStreams<M>(child.stdout, child.stdin, table === undefined ? {} : { table })
    this.#child = child
    this.#exit = new Promise((resolve) => {
      child.once('error', () => resolve({ code: null, signal: null }))
      child.once('close', (code, signal) => {
        if (pid !== undefined) this.#reaper.forgetProcess(pid)
        this.#child = undefined
        this.#client = undefined
        resolve({ code, signal })
      })
    })
  }

  #ended(): HarnessError {
    return new HarnessError('ERR_HARNESS_ENDED', `node "${this.name}" is not running: ${this.#log.tail()}`)
  }
}

/** What is set for the tests, or for a node of the person who runs them, is no setting of the nodes in a test. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BLOCKTREE_')))
}
