/**
 * The program inside a sandbox process. It reads frames from descriptor 3, runs one guest and writes frames back, with
 * blocking calls alone. Events that come ahead wait here and are served one after another. It holds no authority and decides nothing: what it could be made to do by a hostile guest, the
 * node must survive. Bundled into one file (tools/build.ts), which is all that the process may read.
 */
import { delimitFrame } from '@blocktree/codec'
import { BlockingChannel } from './blocking-channel.ts'
import { type ChildFrame, encodeChildFrame } from './child-frame.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { createGuest, type Guest } from './guest.ts'
import { createGuestLog, type GuestLog } from './guest-log.ts'
import { GuestFault, type WasmEngine } from './engine.ts'
import { childTextBytesMax } from './limits.ts'
import { decodeNodeFrame, type HelloToChild, type NodeFrame } from './node-frame.ts'
import { SandboxError } from './sandbox-error.ts'
import { createV8Engine } from './v8-engine.ts'
import { createWasmtimeEngine } from './wasmtime-engine.ts'

const channelDescriptor = 3
const channel = new BlockingChannel(channelDescriptor)
const frames = new FrameBuffer()
/** Sent ahead, while the guest waited for the reply to a host call. */
const ahead: InvokeFrame[] = []
const sleeping = new Int32Array(new SharedArrayBuffer(4))
let invocation = 0

type InvokeFrame = Extract<NodeFrame, { readonly type: 'invoke' }>
type HostReplyFrame = Extract<NodeFrame, { readonly type: 'hostReply' }>

function send(frame: ChildFrame): void {
  channel.write(delimitFrame(encodeChildFrame(frame)))
}

function sendFrames(): void {
  channel.write(frames.view())
  frames.clear()
}

function receive<Type extends NodeFrame['type']>(type: Type): Extract<NodeFrame, { readonly type: Type }> {
  const frame = decodeNodeFrame(channel.read())
  if (frame.type !== type) throw new SandboxError('ERR_SANDBOX_FRAME', `${frame.type} instead of ${type}`)
  return frame as Extract<NodeFrame, { readonly type: Type }>
}

function receiveModule(): Uint8Array {
  const parts: Uint8Array[] = []
  for (;;) {
    const { bytes, isLast } = receive('load')
    if (isLast && parts.length === 0) return bytes.slice()
    parts.push(bytes.slice())
    if (isLast) return Buffer.concat(parts)
  }
}

function callHost(
  log: GuestLog
): (op: number, payload: Uint8Array) => { status: number; payload: Uint8Array } {
  let calls = 0
  return (op, payload) => {
    log.flush()
    frames.addHostCall(++calls, op, payload)
    sendFrames()
    return receiveReply()
  }
}

function receiveReply(): HostReplyFrame {
  for (;;) {
    const frame = decodeNodeFrame(channel.read())
    if (frame.type === 'hostReply') return frame
    if (frame.type !== 'invoke')
      throw new SandboxError('ERR_SANDBOX_FRAME', `${frame.type} instead of hostReply`)
    ahead.push({ ...frame, payload: frame.payload.slice() })
  }
}

function load(hello: HelloToChild, engine: WasmEngine, log: GuestLog): Guest {
  return createGuest({
    engine,
    module: receiveModule(),
    memoryPages: hello.memoryPages,
    tableElements: hello.tableElements,
    payloadBytes: hello.payloadBytes,
    fuel: hello.fuel,
    host: {
      arguments: ['app'],
      environment: [],
      call: callHost(log),
      log: (stream, text) => log.write(stream, text),
      randomFill: (target) => fillRandom(target),
      realTime: () => BigInt(Date.now()) * 1_000_000n,
      monotonicTime: () => process.hrtime.bigint(),
      sleep: (milliseconds) => void Atomics.wait(sleeping, 0, 0, milliseconds)
    }
  })
}

const randomBytesMax = 65_536 // of one call to getRandomValues

function fillRandom(target: Uint8Array): void {
  for (let offset = 0; offset < target.length; offset += randomBytesMax) {
    const part = target.subarray(offset, offset + randomBytesMax)
    part.set(crypto.getRandomValues(new Uint8Array(part.length)))
  }
}

/** Serves invocations until the node closes the channel or the guest ends. */
function serve(): void {
  const hello = receive('hello')
  const engine = hello.engine === 'v8' ? createV8Engine() : createWasmtimeEngine(hello.library)
  send({ type: 'hello', engine: engine.name, engineVersion: engine.version })
  const log = createGuestLog({
    bytesPerSecond: hello.logBytesPerSecond,
    send: (stream, text) => send({ type: 'log', stream, text }),
    nowMs: () => performance.now()
  })
  try {
    const guest = load(hello, engine, log)
    log.flush()
    send({ type: 'result', id: 0, payload: new Uint8Array(0), fuelUsed: guest.loadFuel })
    for (;;) {
      const { id, kind, payload, fuel } = ahead.shift() ?? receive('invoke')
      invocation = id
      const answer = guest.invoke(kind, payload, fuel)
      log.flush()
      frames.addResult(id, answer.payload, answer.fuelUsed) // before the next event: so the node knows what had begun
      sendFrames()
    }
  } catch (error) {
    if (error instanceof GuestFault) log.flush()
    throw error
  }
}

function reportFault(error: unknown): void {
  if (error instanceof SandboxError && error.code === 'ERR_SANDBOX_CHANNEL') return
  const fault = error instanceof GuestFault ? error.fault : 'internal'
  const message = error instanceof Error ? error.message : String(error)
  send({ type: 'trap', id: invocation, fault, message: shorten(message) })
}

function shorten(message: string): string {
  return message.toWellFormed().slice(0, childTextBytesMax / 4)
}

try {
  serve()
} catch (error) {
  try {
    reportFault(error)
  } catch {
    // The node is gone: nobody is left to be told.
  }
}
process.exit(0)
