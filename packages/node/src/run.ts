/**
 * The process: configuration, lock, node, transports, signals, and the way back. The only file that speaks to the
 * process as a whole; everything below gets its ports as arguments.
 */
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { isMainThread } from 'node:worker_threads'
import { createRpcServer, type RpcServer } from '@blocktree/rpc'
import type { JoinRequest } from './cluster/join-node.ts'
import { type Configuration, loadConfiguration } from './configuration.ts'
import { type BlocktreeNode, openNode } from './create-node.ts'
import { dataDirectoryAt, prepareDataDirectory, readNodeRecord } from './data-directory.ts'
import { acquireInstanceLock, type InstanceLock } from './instance-lock.ts'
import { createLifeCycle, type LifeCycle } from './life-cycle.ts'
import { defaultSocketPath, type Environment, socketPathBytesMax } from './location.ts'
import { createLog, type Log } from './log.ts'
import { NodeError } from './node-error.ts'
import type { Peer } from './peer.ts'
import type { RestoreRequest } from './restore-node.ts'
import { listenOnSocket } from './socket-transport.ts'
import { openStreamConnection, type StreamConnection } from './stream-connection.ts'
import { version } from './version.ts'

export interface RunInput {
  /** By flag name without dashes. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly environment: Environment
  readonly workingDirectory: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** Runs a node until it is told to stop. True when it stopped cleanly; throws when it cannot start. */
export async function runNode(input: RunInput): Promise<boolean> {
  keepPrivate()
  const configuration = await loadConfiguration(input)
  const log = openLog(configuration, input)
  const lifeCycle = createLifeCycle({ log })
  handleSignals(lifeCycle, log)
  try {
    await start(configuration, input, lifeCycle, log)
  } catch (error) {
    await lifeCycle.stop('the start failed')
    throw error
  }
  return lifeCycle.stopped
}

/** From what a node is made that is not made anew. */
export interface NodeOrigin {
  readonly restore?: RestoreRequest | undefined
  readonly join?: JoinRequest | undefined
}

/** Makes the data directory of a node, from a backup or by joining when told so, and stops again; one that is there is left as it is. */
export async function initializeNode(
  input: RunInput,
  origin: NodeOrigin = {}
): Promise<{ readonly treeId: string; readonly isNew: boolean }> {
  keepPrivate()
  const configuration = await loadConfiguration(input)
  const log = openLog(configuration, input)
  const lifeCycle = createLifeCycle({ log })
  try {
    const node = await open(configuration, input, lifeCycle, log, origin)
    return { treeId: node.treeId, isNew: node.isNew }
  } finally {
    await lifeCycle.stop('the data directory is ready')
  }
}

/** The index makes its files readable for all; what this process makes is its owner's. Exports set the modes they mean. */
function keepPrivate(): void {
  if (isMainThread) process.umask(0o077)
}

function openLog(configuration: Configuration, input: RunInput): Log {
  const isTerminal = input.stderr.isTTY === true
  const { level, format } = configuration.log
  input.stderr.on('error', () => undefined) // nobody reads the log: no reason to stop
  return createLog({
    level,
    format: format === 'auto' ? (isTerminal ? 'human' : 'json') : format,
    colour: isTerminal && input.environment['NO_COLOR'] === undefined,
    now: Date.now,
    write: (line) => void input.stderr.write(line)
  })
}

async function open(
  configuration: Configuration,
  input: RunInput,
  lifeCycle: LifeCycle,
  log: Log,
  origin: NodeOrigin = {}
): Promise<BlocktreeNode & { readonly lock: InstanceLock }> {
  const directory = dataDirectoryAt(configuration.dataDirectory)
  prepareDataDirectory(directory)
  readNodeRecord(directory)
  const lock = acquireInstanceLock(directory.path)
  lifeCycle.onStop('lock', () => lock.release())
  if (lock.tookOverFrom !== undefined)
    log.warn('took over a stale lock', { formerProcess: lock.tookOverFrom })
  const node = await openNode({
    configuration,
    directory,
    log,
    environment: input.environment,
    ...origin,
    showSecret: (lines) => showSecret(lines, configuration, input)
  })
  lifeCycle.onStop('node', () => node.close())
  return Object.assign(node, { lock })
}

/** What is shown once and kept nowhere: not through the log, which remembers. */
function showSecret(lines: readonly string[], configuration: Configuration, input: RunInput): void {
  const isJson = configuration.log.format === 'json'
  const text = isJson
    ? JSON.stringify({ level: 'notice', message: 'secret shown once', secret: lines })
    : frame(lines)
  input.stderr.write(`${text}\n`)
}

function frame(lines: readonly string[]): string {
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)))
  return ['', rule, ...lines, rule, ''].join('\n')
}

async function start(
  configuration: Configuration,
  input: RunInput,
  lifeCycle: LifeCycle,
  log: Log
): Promise<void> {
  const node = await open(configuration, input, lifeCycle, log)
  const server = createRpcServer<NonNullable<typeof node.handlers.table.shapes>, Peer>({
    handlers: node.handlers,
    info: { title: 'Blocktree node', version },
    log: ({ level, message, method, error }) => log[level](message, { method, error })
  })
  node.onShutdownRequest(() => void lifeCycle.stop('node.shutdown was called'))
  if (configuration.socket.enabled) await openSocket(configuration, input, lifeCycle, log, node, server)
  if (!configuration.service) openStdio(input, lifeCycle, node, server)
  lifeCycle.running()
  log.info('node is ready', {
    tree: node.treeId,
    directory: configuration.dataDirectory,
    milliseconds: Math.round(performance.now())
  })
  if (input.stdin.isTTY === true && !configuration.service) {
    log.info(
      'type JSON-RPC requests, one a line; end with Ctrl-D, or leave it running and use "blocktree" elsewhere'
    )
  }
}

const finishMsMax = 3000 // running requests get this long to end when the node stops

async function openSocket(
  configuration: Configuration,
  input: RunInput,
  lifeCycle: LifeCycle,
  log: Log,
  node: BlocktreeNode & { readonly lock: InstanceLock },
  server: RpcServer<Peer>
): Promise<void> {
  const path = configuration.socket.path ?? defaultSocketPath(configuration.dataDirectory, input.environment)
  if (path === undefined) {
    throw new NodeError(
      'ERR_SOCKET_PATH',
      `data directory "${configuration.dataDirectory}" is too long for a socket (${socketPathBytesMax} bytes with its name); ` +
        'set XDG_RUNTIME_DIR, or --socket-path, or --socket-enabled false'
    )
  }
  const open = new Set<StreamConnection>()
  const transport = await listenOnSocket(path, (socket: Socket) => {
    socket.setNoDelay(true)
    const session = node.openSession()
    const connection = openStreamConnection({
      input: socket,
      output: socket,
      connect: (port) => server.connect(port, { transport: 'socket', session }),
      onEnd: () => {
        open.delete(connection)
        node.closeSession(session)
        socket.destroy()
      }
    })
    open.add(connection)
  })
  if (transport.replacedStale) log.info('replaced a stale socket', { path })
  node.lock.publishSocket(path)
  lifeCycle.onStop('socket', async () => {
    const closed = transport.close()
    await Promise.race([Promise.all([...open].map((connection) => connection.finish())), delay(finishMsMax)])
    for (const connection of open) connection.destroy()
    await closed
  })
}

function openStdio(
  input: RunInput,
  lifeCycle: LifeCycle,
  node: BlocktreeNode,
  server: RpcServer<Peer>
): void {
  const connection = openStreamConnection({
    input: input.stdin,
    output: input.stdout,
    connect: (port) => server.connect(port, { transport: 'stdio', session: node.openSession() }),
    onEnd: () => void lifeCycle.stop('the end of stdin')
  })
  lifeCycle.onStop('stdin', async () => {
    await Promise.race([connection.finish(), delay(finishMsMax)])
    connection.destroy()
  })
}

function delay(milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, milliseconds).unref()
  return promise
}

/** The first signal stops cleanly, the second one at once. */
function handleSignals(lifeCycle: LifeCycle, log: Log): void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (lifeCycle.state === 'stopping') {
      log.warn('stopping at once', { signal })
      process.exit(130) // asked twice: a stuck close must not hold the terminal
    }
    void lifeCycle.stop(signal)
  }
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  void lifeCycle.stopped.then(() => {
    for (const signal of signals) process.off(signal, onSignal)
  })
}
