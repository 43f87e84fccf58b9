/** The connection of a command to a running node: frames over the Unix socket. */
import { connect, type Socket } from 'node:net'
import { findSocket } from '@blocktree/node/location'
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

/** @throws ERR_NODE_ABSENT when nobody answers */
export async function connectToNode(options: ConnectOptions): Promise<NodeClient> {
  const { dataDirectory, environment } = options
  const path = options.socket ?? environment['BLOCKTREE_SOCKET'] ?? findSocket(dataDirectory, environment)
  if (path === undefined) throw absent(dataDirectory, 'its path is too long for a socket')
  const socket = await open(path, dataDirectory)
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
