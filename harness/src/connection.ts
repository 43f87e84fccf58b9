/** Clients of a node: over the pipes of its process, or over its Unix socket. */
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import {
  createRpcClient,
  type Framing,
  type MethodShapes,
  type MethodTable,
  type RpcClient
} from '@blocktree/rpc'
import { HarnessError } from './harness-error.ts'

export interface ConnectOptions<M extends MethodShapes<M>> {
  readonly framing?: Framing
  /** Needed for bytes inside JSON lines; frames carry them as they are. */
  readonly table?: MethodTable<M>
}

export interface NodeConnection<M extends MethodShapes<M>> extends AsyncDisposable {
  readonly client: RpcClient<M>
  /** Ends the connection at once. */
  disconnect(): void
}

/** Frames unless told otherwise. ERR_HARNESS_ENDED when nobody answers. */
export async function connectSocket<M extends MethodShapes<M>>(
  path: string,
  options: ConnectOptions<M> = {}
): Promise<NodeConnection<M>> {
  const socket = connect(path)
  const opened = Promise.withResolvers<void>()
  socket.once('connect', () => opened.resolve())
  socket.once('error', (cause) =>
    opened.reject(new HarnessError('ERR_HARNESS_ENDED', `nobody answers on "${path}"`, { cause }))
  )
  await opened.promise
  const client = connectStreams(socket, socket, { framing: 'frames', ...options })
  function disconnect(): void {
    client.close()
    socket.destroy()
  }
  return {
    client,
    disconnect,
    async [Symbol.asyncDispose]() {
      disconnect()
    }
  }
}

/** A client over a pair of byte streams; JSON lines unless told otherwise. */
export function connectStreams<M extends MethodShapes<M>>(
  input: Readable,
  output: Writable,
  options: ConnectOptions<M> = {}
): RpcClient<M> {
  const client = createRpcClient<M>({
    framing: options.framing ?? 'json',
    ...(options.table === undefined ? {} : { table: options.table }),
    connection: {
      send: (bytes) => output.destroyed || output.write(bytes),
      pause: () => void input.pause(),
      resume: () => void input.resume(),
      close: () => void output.end()
    },
    timers: {
      start(milliseconds, callback) {
        const timer = setTimeout(callback, milliseconds)
        return () => clearTimeout(timer)
      }
    }
  })
  input.on('data', (chunk: Buffer) => client.receive(chunk))
  input.on('close', () => client.end())
  input.on('error', () => client.end())
  output.on('drain', () => client.drained())
  output.on('error', () => client.end())
  return client
}
