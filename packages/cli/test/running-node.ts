/** Real processes for tests: the emitted program in a temporary directory, every child ended with the test. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../bin/blocktree.cjs', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Workplace {
  readonly path: string
  /** The data directory of its node. */
  readonly data: string
  /** Runs a command to its end. */
  run(
    words: readonly string[],
    options?: { readonly input?: string; readonly environment?: NodeJS.ProcessEnv }
  ): Promise<Finished>
  /** Starts a node and does not wait. */
  launch(words: readonly string[], environment?: NodeJS.ProcessEnv): RunningNode
  /** Starts a node and waits until it is ready. */
  start(words?: readonly string[], environment?: NodeJS.ProcessEnv): Promise<RunningNode>
  [Symbol.asyncDispose](): Promise<void>
}

export interface RunningNode {
  readonly child: ChildProcessWithoutNullStreams
  readonly stderr: () => string
  /** One request over stdin; the whole answer. */
  call(method: string, params?: object): Promise<Answer>
  /** Writes text as it is and waits for that many lines. */
  send(text: string | Uint8Array, lines: number): Promise<readonly Answer[]>
  /** Ends stdin and waits. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): Promise<number | null>
}

export interface Answer {
  readonly id?: unknown
  readonly result?: Record<string, unknown>
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data: { readonly code: string }
  }
}

function environmentFor(path: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, NODE_V8_COVERAGE } = process.env
  return {
    PATH,
    ...(NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }),
    HOME: path,
    BLOCKTREE_DATA: join(path, 'data'),
    BLOCKTREE_APPS_PORT: '0',
    BLOCKTREE_NETWORK_HOST: '127.0.0.1',
    BLOCKTREE_NETWORK_PORT: '0',
    ...extra
  }
}

export async function workplace(): Promise<Workplace> {
  const path = await mkdtemp(join(tmpdir(), 'blocktree-cli-'))
  const children: ChildProcessWithoutNullStreams[] = []
  const launch = (
    words: readonly string[],
    environment?: NodeJS.ProcessEnv
  ): ChildProcessWithoutNullStreams => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: path,
      env: environmentFor(path, environment)
    })
    child.stdin.on('error', () => undefined) // a process that ended does not read
    children.push(child)
    return child
  }
  return {
    path,
    data: join(path, 'data'),
    async run(words, { input, environment } = {}) {
      const child = launch(words, environment)
      child.stdin.end(input ?? '')
      return await finished(child)
    },
    launch(words, environment) {
      const node = connect(launch(words, environment))
      node.ready().catch(() => undefined)
      return node
    },
    async start(words = [], environment = {}) {
      const node = connect(launch(['start', '--log-format', 'json', ...words], environment))
      await node.ready()
      return node
    },
    async [Symbol.asyncDispose]() {
      for (const child of children)
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await Promise.all(children.map(ended))
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function connect(child: ChildProcessWithoutNullStreams): RunningNode & { ready(): Promise<void> } {
  let stderr = ''
  let lastId = 0
  const waiting: ((answer: Answer) => void)[] = []
  const ready = Promise.withResolvers<void>()
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    if (stderr.includes('"node is ready"')) ready.resolve()
  })
  child.once('exit', () => ready.reject(new Error(`the node ended: ${stderr}`)))
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as Answer))
  const take = (count: number): Promise<readonly Answer[]> =>
    Promise.all(Array.from({ length: count }, () => new Promise<Answer>((resolve) => waiting.push(resolve))))
  const send = async (text: string | Uint8Array, lines: number): Promise<readonly Answer[]> => {
    const answers = take(lines)
    child.stdin.write(text)
    return await answers
  }
  return {
    child,
    stderr: () => stderr,
    ready: () => ready.promise,
    send,
    async call(method, params = {}) {
      const [answer] = await send(`${JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params })}\n`, 1)
      return answer ?? {}
    },
    async stop() {
      child.stdin.end()
      await ended(child)
      return child.exitCode
    },
    async kill(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await ended(child)
      return child.exitCode
    }
  }
}
