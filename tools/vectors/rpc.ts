/** Vectors of doc/spec/10-rpc.md: what a server without methods of its own answers, byte for byte of what it is sent. */
import { concatBytes, packFrame, unpackFrame } from '@blocktree/codec'
import { RpcError, bindHandlers, createMethodTable, createRpcServer } from '@blocktree/rpc'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const ping = '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":{}}'
const deepJson = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const lines: readonly (readonly [comment: string, input: string | Uint8Array])[] = [
  ['a request', `${ping}\n`],
  ['carriage returns and blank lines', `\r\n \t\r\n${ping}\r\n\n`],
  ['two requests', `${ping}\n{"id":"two","method":"rpc.ping"}\n`],
  ['id null', '{"id":null,"method":"rpc.ping"}\n'],
  [
    'the least and the greatest id',
    '{"id":-9007199254740991,"method":"rpc.ping"}\n{"id":9007199254740991,"method":"rpc.ping"}\n'
  ],
  ['an id of 256 characters', `{"id":"${'i'.repeat(256)}","method":"rpc.ping"}\n`],
  ['an id of 257 characters', `{"id":"${'i'.repeat(257)}","method":"rpc.ping"}\n`],
  ['an id that is too great', '{"id":9007199254740992,"method":"rpc.ping"}\n'],
  ['an id that is a fraction', '{"id":1.5,"method":"rpc.ping"}\n'],
  ['an id that is a boolean', '{"id":true,"method":"rpc.ping"}\n'],
  ['a notification', '{"method":"rpc.ping"}\n'],
  ['a notification of an unknown method', '{"method":"no.such"}\n'],
  ['an unknown method', '{"id":1,"method":"no.such"}\n'],
  ['parameters as an array', '{"id":1,"method":"rpc.ping","params":[]}\n'],
  ['an unknown parameter', '{"id":1,"method":"rpc.ping","params":{"a":1}}\n'],
  ['a parameter that is missing', '{"id":1,"method":"rpc.cancel","params":{}}\n'],
  ['cancelling what does not run', '{"id":1,"method":"rpc.cancel","params":{"id":7}}\n'],
  ['no such subscription', '{"id":1,"method":"rpc.unsubscribe","params":{"subscription":7}}\n'],
  ['no method', '{"id":1}\n'],
  ['a method that is a number', '{"id":1,"method":1}\n'],
  ['a number', '1\n'],
  ['not JSON, and what follows works', `{"id":1,\n${ping}\n`],
  [
    'not UTF-8, and what follows works',
    concatBytes(utf8('{"id":"'), Uint8Array.of(0xff), utf8(`","method":"rpc.ping"}\n${ping}\n`))
  ],
  ['a byte order mark in the middle', `${ping}\n\ufeff${ping}\n`],
  ['NaN', '{"id":NaN,"method":"rpc.ping"}\n'],
  ['a batch', `[${ping},{"id":2,"method":"no.such"},{"method":"rpc.ping"},3]\n`],
  ['a batch of notifications', '[{"method":"rpc.ping"}]\n'],
  ['an empty batch', '[]\n'],
  ['a batch of 1,001', `[${Array<string>(1001).fill('1').join(',')}]\n`],
  ['an array in an array', `${deepJson(2)}\n`]
]

const request = { id: 1, method: 'rpc.ping' }
const framed = (body: Uint8Array): Uint8Array => {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length)
  return concatBytes(length, body)
}
const good = framed(packFrame(request))
/** `{id: 1, method: "rpc.ping", x: value}` with any bytes for the value. */
const withValue = (value: readonly number[]): Uint8Array =>
  framed(
    Uint8Array.of(
      0x83,
      0xa2,
      0x69,
      0x64,
      1,
      0xa6,
      ...utf8('method'),
      0xa8,
      ...utf8('rpc.ping'),
      0xa1,
      0x78,
      ...value
    )
  )

const frames: readonly (readonly [comment: string, input: Uint8Array])[] = [
  ['a request', good],
  ['two requests', concatBytes(good, good)],
  ['a frame that is not whole yet', concatBytes(good, good.subarray(0, -1))],
  ['a frame of no bytes closes', concatBytes(good, new Uint8Array(4), good)],
  ['a frame above 4 MiB closes', concatBytes(good, Uint8Array.of(0, 0x40, 0, 1), good)],
  ['no value, and what follows works', concatBytes(framed(Uint8Array.of(0xc1)), good)],
  ['a byte behind the value', concatBytes(framed(concatBytes(packFrame(request), Uint8Array.of(0))), good)],
  ['a batch', framed(packFrame([request]))],
  ['a key that is a number', framed(Uint8Array.of(0x81, 1, 1))],
  ['the key __proto__', framed(Uint8Array.of(0x81, 0xa9, ...utf8('__proto__'), 1))],
  ['an extension', withValue([0xd4, 1, 0])],
  ['a number that is none', withValue([0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0])],
  ['an integer of 2^53', withValue([0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0])],
  ['an integer of -2^53', withValue([0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0])],
  ['text that is not UTF-8', withValue([0xa1, 0xff])],
  ['an array that claims more than there is', withValue([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['63 arrays in the map', withValue([...Array<number>(62).fill(0x91), 0x90])],
  ['64 arrays in the map', withValue([...Array<number>(63).fill(0x91), 0x90])],
  ['an integer that is not in its shortest form', withValue([0xcd, 0, 1])]
]

const codes = [
  'ERR_RPC_PARSE',
  'ERR_RPC_CANCELLED',
  'ERR_RPC_STREAM',
  'ERR_FILE_NOT_FOUND',
  'E_SELF_FORK',
  'ERR_X'
]

export async function generateVectors(): Promise<VectorPage> {
  const told = async (rows: typeof lines): Promise<VectorCase[]> => {
    const cases: VectorCase[] = []
    for (const [comment, input] of rows)
      cases.push(await exchange(comment, typeof input === 'string' ? utf8(input) : input))
    return cases
  }
  return {
    name: 'rpc',
    specification: 'doc/spec/10-rpc.md',
    comment:
      '`input` is all that a client sends on one connection to a server that has the methods of the protocol only. `answers` in their ' +
      'order (of a batch, an array of them): the result, or the text code and the number of the error; messages and other ' +
      'data are left out. `closed`: the server closes the connection. numbers: the number of a text code.',
    groups: {
      lines: await told(lines),
      frames: await told(frames),
      numbers: codes.map((code) => ({ comment: code, code, number: new RpcError(code, '').numeric }))
    }
  }
}

async function exchange(comment: string, input: Uint8Array): Promise<VectorCase> {
  const sent: Uint8Array[] = []
  let closed = false
  const table = createMethodTable([])
  const server = createRpcServer({ handlers: bindHandlers(table, {}) })
  const receiver = server.connect(
    {
      send: (bytes) => sent.push(bytes.slice()) > 0,
      pause: () => undefined,
      resume: () => undefined,
      close: () => {
        closed = true
      }
    },
    undefined
  )
  receiver.receive(input.slice())
  await new Promise((resolve) => setImmediate(resolve))
  const answers = input[0] === 0 ? framesOf(concatBytes(...sent)) : linesOf(concatBytes(...sent))
  return { comment, input: hex(input), answers: answers.map(briefly), closed }
}

function linesOf(bytes: Uint8Array): unknown[] {
  const text = new TextDecoder().decode(bytes)
  return text.split('\n').flatMap((line): unknown[] => (line === '' ? [] : [JSON.parse(line)]))
}

function framesOf(bytes: Uint8Array): unknown[] {
  const values: unknown[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at))
    values.push(unpackFrame(bytes.slice(at + 4, at + 4 + view.getUint32(at))))
  return values
}

interface Answer {
  readonly id: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly data: { readonly code: string } }
}

function briefly(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(briefly)
  const { id, result, error } = answer as Answer
  return error === undefined ? { id, result } : { id, error: error.data.code, number: error.code }
}
