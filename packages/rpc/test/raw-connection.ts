/** A connection that records what it is told: for tests that look at single bytes. */
import { packFrame, unpackFrame } from '@blocktree/codec'
import type { Connection, Framing, RpcServer, ServerReceiver } from '@blocktree/rpc'

export interface RawConnection extends Connection {
  readonly receiver: ServerReceiver
  /** Everything sent so far, as messages. */
  messages(): unknown[]
  sentBytes: number
  paused: boolean
  closed: boolean
  /** What `send` answers. */
  takesMore: boolean
  say(message: unknown): void
  sayText(text: string): void
}

export function connectRaw(server: RpcServer<unknown>, framing: Framing = 'json'): RawConnection {
  const chunks: Uint8Array[] = []
  const raw: Omit<RawConnection, 'receiver'> = {
    sentBytes: 0,
    paused: false,
    closed: false,
    takesMore: true,
    send(bytes) {
      chunks.push(bytes)
      raw.sentBytes += bytes.length
      return raw.takesMore
    },
    pause: () => void (raw.paused = true),
    resume: () => void (raw.paused = false),
    close: () => void (raw.closed = true),
    messages: () => readMessages(Buffer.concat(chunks), framing),
    say: (message) => receiver.receive(framing === 'json' ? lineOf(message) : frameOf(message)),
    sayText: (text) => receiver.receive(Buffer.from(text))
  }
  const receiver = server.connect(raw, undefined)
  return Object.assign(raw, { receiver })
}

export function lineOf(message: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(message)}\n`)
}

export function frameOf(message: unknown): Uint8Array {
  const body = packFrame(message)
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(body.length)
  frame.set(body, 4)
  return frame
}

function readMessages(bytes: Buffer, framing: Framing): unknown[] {
  if (framing === 'json') {
    const lines = bytes.toString().split('\n')
    return lines.slice(0, -1).map((line) => JSON.parse(line))
  }
  const messages: unknown[] = []
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32BE(offset)
    messages.push(unpackFrame(bytes.subarray(offset + 4, offset + 4 + length)))
    offset += 4 + length
  }
  return messages
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
