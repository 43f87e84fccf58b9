/**
 * The Unix socket: the same methods as on stdin, for the command line and other programs of the same user. Mode 0600.
 * A socket file that nobody answers on is stale and replaced; the instance lock makes sure that it is ours to replace.
 */
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { socketPathBytesMax } from './location.ts'
import { NodeError, reasonOf, systemCode } from './node-error.ts'

export interface SocketTransport {
  readonly path: string
  /** True when a stale socket file was replaced. */
  readonly replacedStale: boolean
  /** Takes no new connections; those that are open stay open. */
  close(): Promise<void>
}

/** @throws ERR_SOCKET_PATH, ERR_SOCKET_IN_USE */
export async function listenOnSocket(
  path: string,
  onConnection: (socket: Socket) => void
): Promise<SocketTransport> {
  const bytes = Buffer.byteLength(path)
  if (bytes > socketPathBytesMax) {
    throw new NodeError(
      'ERR_SOCKET_PATH',
      `socket path "${path}" has ${bytes} bytes, the system takes ${socketPathBytesMax}; ` +
        'set XDG_RUNTIME_DIR, or a shorter --socket-path, or --socket-enabled false'
    )
  }
  const server = createServer(onConnection)
  server.on('error', () => undefined) // a failed accept (no descriptors left) must not end the node
  const replacedStale = await listenOrReplace(server, path)
  return {
    path,
    replacedStale,
    async close() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      rmSync(path, { force: true })
      await closed.promise
    }
  }
}

async function listenOrReplace(server: Server, path: string): Promise<boolean> {
  const failure = await listen(server, path)
  if (failure === undefined) return false
  if (systemCode(failure) !== 'EADDRINUSE') throw cannotListen(path, failure)
  if (await answers(path)) {
    throw new NodeError(
      'ERR_SOCKET_IN_USE',
      `another process answers on "${path}"; stop it or choose another --socket-path`
    )
  }
  rmSync(path, { force: true })
  const second = await listen(server, path)
  if (second !== undefined) throw cannotListen(path, second)
  return true
}

function cannotListen(path: string, cause: unknown): NodeError {
  return new NodeError(
    'ERR_SOCKET_PATH',
    `cannot listen on "${path}": ${reasonOf(cause)}; choose another --socket-path`,
    {
      cause
    }
  )
}

/** @returns the failure. The file never has a wider mode, not even for a moment. */
async function listen(server: Server, path: string): Promise<unknown> {
  const outcome = Promise.withResolvers<unknown>()
  const fail = (error: unknown): void => outcome.resolve(error)
  server.once('error', fail)
  const before = process.umask(0o177)
  try {
    server.listen(path, () => outcome.resolve(undefined))
  } finally {
    process.umask(before)
  }
  const failure = await outcome.promise
  server.off('error', fail)
  if (failure === undefined) chmodSync(path, 0o600)
  return failure
}

async function answers(path: string): Promise<boolean> {
  const outcome = Promise.withResolvers<boolean>()
  const probe = connect(path)
  probe.once('connect', () => outcome.resolve(true))
  probe.once('error', () => outcome.resolve(false))
  const isAnswered = await outcome.promise
  probe.destroy()
  return isAnswered
}
