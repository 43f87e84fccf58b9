/** Joins a pair of byte streams of the system to a receiver of the RPC layer: order, back-pressure, end. */
import type { Readable, Writable } from 'node:stream'
import type { Connection } from '@blocktree/rpc'

/** What a transport needs of the receiving side. */
export interface StreamReceiver {
  receive(chunk: Uint8Array): void
  drained(): void
  end(): void
  /** No more input: answers what was asked, then ends. */
  finish(): Promise<void>
}

export interface StreamConnectionOptions {
  readonly input: Readable
  readonly output: Writable
  /** Makes the receiver that belongs to the connection. */
  readonly connect: (connection: Connection) => StreamReceiver
  /** Called once, when input ended and everything was answered, or when either stream broke. */
  readonly onEnd: () => void
}

export interface StreamConnection {
  /** Answers what was asked, takes nothing more. */
  finish(): Promise<void>
  destroy(): void
}

export function openStreamConnection(options: StreamConnectionOptions): StreamConnection {
  const { input, output } = options
  let hasEnded = false
  const receiver = options.connect({
    send: (bytes) => hasEnded || output.destroyed || output.write(bytes),
    pause: () => void input.pause(),
    resume: () => void input.resume(),
    close: () => void output.end()
  })
  function end(): void {
    if (hasEnded) return
    hasEnded = true
    receiver.end()
    options.onEnd()
  }
  input.on('data', (chunk: Buffer) => receiver.receive(chunk))
  input.on('end', () => void receiver.finish().then(end))
  input.on('error', end)
  input.on('close', () => {
    if (input.errored !== null) end()
  })
  output.on('drain', () => receiver.drained())
  output.on('error', end) // a peer that went away is no fault of ours
  output.on('close', end)
  return {
    async finish() {
      input.pause()
      await receiver.finish()
      end()
    },
    destroy() {
      end()
      input.destroy()
      output.destroy()
    }
  }
}
