/** The connection of a command to a running node: frames over the Unix socket. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findSocket, lockPath, readLockRecord } from '@blocktree/node/location'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { createRpcClient, type RpcClient } from '@blocktree/rpc'
import { CliError } from './cli-error.ts'

export interface NodeClient extends RpcClient<NodeMethods> {
  disconnect(): void
}

export interface ConnectOptions {
  readonly dataDirectory: string
  readonly socket: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

const graceMs = 400 // a node that was started in the same breath has no lock yet
const startMsMax = 10_000 // one that holds the lock may be reading its log
const tryEachMs = 40

/** Waits for a node that is just starting. @throws ERR_NODE_ABSENT when nobody answers */
export async function connectToNode(options: ConnectOptions): Promise<NodeClient> {
  const { dataDirectory, environment } = options
  const given = options.socket ?? environment['BLOCKTREE_SOCKET']
  const socket = await openSoon(dataDirectory, () => given ?? findSocket(dataDirectory, environment))
  const client = createRpcClient<NodeMethods>({
    framing: 'frames',
    table: nodeMethodTable,
    connection: {
      send: (bytes) => socket.destroyed || socket.write(bytes),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      close: () => void socket.end()
    },
    timers: {
      start(milliseconds, callback) {
        const timer = setTimeout(callback, milliseconds)
        return () => clearTimeout(timer)
      }
    }
  })
  socket.on('data', (chunk: Buffer) => client.receive(chunk))
  socket.on('drain', () => client.drained())
  socket.on('close', () => client.end())
  socket.on('error', () => client.end())
  return Object.assign(client, { disconnect: () => void socket.destroy() })
}

/** @param find the socket's path; a node says where it is when it is ready */
async function openSoon(dataDirectory: string, find: () => string | undefined): Promise<Socket> {
  const started = performance.now()
  for (;;) {
    const path = find()
    if (path === undefined) throw absent(dataDirectory, 'its path is too long for a socket')
    try {
      return await open(path, dataDirectory)
    } catch (error) {
      const waitedMs = performance.now() - started
      if (waitedMs > (isStarting(dataDirectory) ? startMsMax : graceMs)) throw error
      await sleep(tryEachMs)
    }
  }
}

/** True when a living process holds the data directory, whether or not it answers yet. */
function isStarting(dataDirectory: string): boolean {
  const pid = readLockRecord(lockPath(dataDirectory))?.pid
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function open(path: string, dataDirectory: string): Promise<Socket> {
  const opened = Promise.withResolvers<void>()
  const socket = connect(path)
  socket.once('connect', () => opened.resolve())
  socket.once('error', (error) => opened.reject(error))
  try {
    await opened.promise
  } catch (cause) {
    throw absent(dataDirectory, cause instanceof Error ? cause.message : 'it cannot be reached')
  }
  return socket
}

function absent(dataDirectory: string, reason: string): CliError {
  return new CliError('ERR_NODE_ABSENT', `no node runs on "${dataDirectory}" (${reason})`, {
    advice: 'start one in another terminal with "blocktree start", or name its directory with --data'
  })
}
