/** Vectors of doc/spec/19-sandbox-frames.md: frames in both directions, and frames of a child that are refused. */
import {
  type ChildFrame,
  decodeChildFrame,
  encodeChildFrame,
  encodeNodeFrame,
  type NodeFrame
} from '@blocktree/sandbox/frames'
import { hex, type VectorCase, type VectorPage } from '../vector-page.ts'

const payload = new TextEncoder().encode('payload')
const payloadBytesMax = 1024

export function generateVectors(): VectorPage {
  return {
    name: 'sandbox-frames',
    specification: 'doc/spec/19-sandbox-frames.md',
    comment:
      'Bodies of frames without their length prefix. `frame` names the fields; byte strings in it are hexadecimal. A refused body is judged with a longest payload of 1024 bytes.',
    groups: { fromNode: nodeFrames.map(nodeCase), fromChild: childFrames.map(childCase), refused: refused() }
  }
}

const nodeFrames: readonly (readonly [string, NodeFrame])[] = [
  [
    'the first frame',
    {
      type: 'hello',
      engine: 'v8',
      memoryPages: 1024,
      tableElements: 10_000,
      payloadBytes: 1_048_576,
      logBytesPerSecond: 65_536,
      fuel: 2_000_000_000,
      library: undefined
    }
  ],
  [
    'the first frame, for the other engine',
    {
      type: 'hello',
      engine: 'wasmtime',
      memoryPages: 16,
      tableElements: 1,
      payloadBytes: 1000,
      logBytesPerSecond: 1000,
      fuel: 1,
      library: '/engine-library'
    }
  ],
  ['a piece of the module', { type: 'load', sequence: 0, isLast: false, bytes: payload }],
  ['the last piece', { type: 'load', sequence: 1, isLast: true, bytes: payload }],
  ['an event', { type: 'invoke', id: 1, kind: 2, payload, fuel: 2_000_000_000 }],
  ['the answer to a host call', { type: 'hostReply', id: 300, status: 4, payload: new Uint8Array(0) }]
]

const childFrames: readonly (readonly [string, ChildFrame])[] = [
  ['the first frame', { type: 'hello', engine: 'v8', engineVersion: '14.6' }],
  ['the module is loaded', { type: 'result', id: 0, payload: new Uint8Array(0), fuelUsed: 5 }],
  ['an answer', { type: 'result', id: 1, payload, fuelUsed: 70_000 }],
  ['a host call', { type: 'hostCall', id: 300, op: 7, payload }],
  ['a piece of log', { type: 'log', stream: 2, text: payload }],
  ['the guest ended', { type: 'trap', id: 1, fault: 'fuel', message: 'it used up its fuel' }]
]

function nodeCase([comment, frame]: readonly [string, NodeFrame]): VectorCase {
  return { comment, frame: readable(frame), body: hex(encodeNodeFrame(frame)) }
}

function childCase([comment, frame]: readonly [string, ChildFrame]): VectorCase {
  return { comment, frame: readable(frame), body: hex(encodeChildFrame(frame)) }
}

function readable(frame: NodeFrame | ChildFrame): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(frame).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? hex(value) : (value ?? null)
    ])
  )
}

function refused(): readonly VectorCase[] {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['a type that only the node sends', [0x94, 5, 1, 0, 0xc4, 0]],
    ['no such type', [0x94, 8, 1, 0, 0xc4, 0]],
    ['three values instead of four', [0x93, 4, 1, 0]],
    ['another version', [0x94, 0, 1, 0, 0xa1, 0x78]],
    ['no such engine', [0x94, 0, 2, 2, 0xa1, 0x78]],
    ['a result with an op', [0x94, 3, 1, 1, 0x92, 0xc4, 0, 0]],
    ['a log of stream 3', [0x94, 6, 0, 3, 0xc4, 1, 65]],
    ['a log with an id', [0x94, 6, 1, 1, 0xc4, 1, 65]],
    ['an empty log', [0x94, 6, 0, 1, 0xc4, 0]],
    ['no such fault', [0x94, 7, 1, 6, 0xa0]],
    ['a map as payload', [0x94, 4, 1, 1, 0x80]],
    ['a number that is not in its shortest form', [0x94, 4, 0xcc, 1, 1, 0xc4, 0]],
    ['an id above 2^31-1', [0x94, 4, 0xce, 0x80, 0, 0, 0, 1, 0xc4, 0]],
    ['a payload of 1025 bytes', [0x94, 4, 1, 1, 0xc5, 4, 1, ...Array.from({ length: 1025 }, () => 0)]],
    ['a payload longer than the body', [0x94, 4, 1, 1, 0xc4, 9, 0]],
    ['a byte behind the body', [0x94, 4, 1, 1, 0xc4, 0, 0]]
  ]
  return cases.map(([comment, bytes]) => {
    const body = Uint8Array.from(bytes)
    return { comment, body: hex(body), error: errorOf(body) }
  })
}

function errorOf(body: Uint8Array): string {
  try {
    decodeChildFrame(body, payloadBytesMax)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
  throw new Error(`${hex(body)} was not refused`)
}
