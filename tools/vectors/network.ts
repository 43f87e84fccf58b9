/**
 * Vectors of doc/spec/24-network.md: frames of the session and peer ids. The bytes are put together here from the page,
 * without the package that they judge.
 */
import { hex, type VectorCase, type VectorPage } from '../vector-page.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const short = (text: string): Uint8Array => join(Uint8Array.of(text.length), ascii(text))
const sequence = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => first + index)

/** With Bitcoin's alphabet; a leading zero byte is a `1`. */
function base58(bytes: Uint8Array): string {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  let text = ''
  for (let value = BigInt(`0x0${hex(bytes)}`); value > 0n; value /= 58n) {
    text = (alphabet[Number(value % 58n)] ?? '') + text
  }
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(Math.max(zeros, 0)) + text
}

/** RFC 4648 in small letters without padding. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.match(/.{1,5}/g) ?? []
  return groups
    .map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group.padEnd(5, '0'), 2)])
    .join('')
}

/** Length, type and the rest. */
function frame(type: number, ...rest: readonly Uint8Array[]): Uint8Array {
  const body = join(Uint8Array.of(type), ...rest)
  return join(u32(body.length), body)
}

const instance = sequence(16, 1)
const session = sequence(16, 0x81)
const body = Uint8Array.of(1, 2, 3)
const hello = frame(1, Uint8Array.of(1, 0), instance, session)

function accepted(comment: string, input: Record<string, string | number>, bytes: Uint8Array): VectorCase {
  return { comment, input, output: hex(bytes) }
}

const frames: readonly VectorCase[] = [
  accepted(
    'the first frame of a channel for requests',
    { type: 1, version: 1, channel: 0, instance: hex(instance), session: hex(session) },
    hello
  ),
  accepted(
    'the first frame of a channel for bulk',
    { type: 1, version: 1, channel: 1, instance: hex(instance), session: hex(session) },
    frame(1, Uint8Array.of(1, 1), instance, session)
  ),
  accepted(
    'a request with its time',
    { type: 2, id: 1, timeoutMs: 30_000, method: 'sync.headers', body: hex(body) },
    frame(2, u32(1), u32(30_000), short('sync.headers'), body)
  ),
  accepted(
    'a request without body, with the longest time, name and number',
    { type: 2, id: 0xffffffff, timeoutMs: 600_000, method: 'x'.repeat(64), body: '' },
    frame(2, u32(0xffffffff), u32(600_000), short('x'.repeat(64)))
  ),
  accepted('an answer', { type: 3, id: 1, body: hex(body) }, frame(3, u32(1), body)),
  accepted('an empty answer', { type: 3, id: 1, body: '' }, frame(3, u32(1))),
  accepted(
    'an error',
    { type: 4, id: 1, code: 'ERR_SYNC_REFUSED', message: 'not a member – sorry' },
    frame(4, u32(1), short('ERR_SYNC_REFUSED'), new TextEncoder().encode('not a member – sorry'))
  ),
  accepted('a cancellation', { type: 5, id: 1 }, frame(5, u32(1))),
  accepted(
    'an event',
    { type: 6, name: 'block-written', body: hex(body) },
    frame(6, short('block-written'), body)
  ),
  accepted('a ping', { type: 7, id: 7 }, frame(7, u32(7))),
  accepted('its answer', { type: 8, id: 7 }, frame(8, u32(7))),
  accepted('an end with a reason', { type: 9, reason: 'good bye' }, frame(9, ascii('good bye'))),
  accepted(
    'a stream is asked for',
    { type: 10, id: 1, timeoutMs: 1000, credit: 4_194_304, method: 'sync.sectors', head: hex(body) },
    frame(10, u32(1), u32(1000), u32(4_194_304), short('sync.sectors'), body)
  ),
  accepted('a chunk', { type: 11, id: 1, body: hex(body) }, frame(11, u32(1), body)),
  accepted('more credit', { type: 12, id: 1, bytes: 1024 }, frame(12, u32(1), u32(1024))),
  accepted('the end of a stream', { type: 13, id: 1 }, frame(13, u32(1))),
  accepted('a channel is asked for', { type: 14, id: 0 }, frame(14, u32(0)))
]

function refused(comment: string, bytes: Uint8Array): VectorCase {
  return { comment, input: hex(bytes), error: 'ERR_NETWORK_PROTOCOL' }
}

const refusedFrames: readonly VectorCase[] = [
  refused('a length of zero', u32(0)),
  refused('a length above the limit', u32(1024 * 1024 + 129)),
  refused('type 0', frame(0, u32(1))),
  refused('type 15', frame(15, u32(1))),
  refused('a hello with a byte too many', frame(1, Uint8Array.of(1, 0), instance, session, Uint8Array.of(0))),
  refused('a hello with a byte too few', frame(1, Uint8Array.of(1, 0), instance, session.slice(1))),
  refused('a request cut off in its number', frame(2, Uint8Array.of(0, 0))),
  refused('a request without time', frame(2, u32(1), u32(0), short('x'))),
  refused('a request with too long a time', frame(2, u32(1), u32(600_001), short('x'))),
  refused('a request without name', frame(2, u32(1), u32(1), Uint8Array.of(0))),
  refused('a name of 65 bytes', frame(2, u32(1), u32(1), short('x'.repeat(65)))),
  refused('a name longer than the frame', frame(2, u32(1), u32(1), Uint8Array.of(5), ascii('abcd'))),
  refused('a space in a name', frame(2, u32(1), u32(1), short('a b'))),
  refused('a byte above ASCII in a name', frame(6, Uint8Array.of(1, 0xe4))),
  refused('a small letter in a code', frame(4, u32(1), short('ERR_x'))),
  refused('a message of 1,025 bytes', frame(4, u32(1), short('ERR_X'), ascii('m'.repeat(1025)))),
  refused('a message that is no UTF-8', frame(4, u32(1), short('ERR_X'), Uint8Array.of(0xc3, 0x28))),
  refused('a reason of 201 bytes', frame(9, ascii('r'.repeat(201)))),
  refused('an empty chunk', frame(11, u32(1))),
  refused('credit of nothing', frame(12, u32(1), u32(0))),
  refused('credit with a byte too many', frame(12, u32(1), u32(1), Uint8Array.of(0))),
  refused('a ping with a body', frame(7, u32(1), body)),
  refused('an end without number', frame(13))
]

const key = sequence(32, 0)
const identity = join(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20), key)
const otherKind = join(Uint8Array.of(0x00, 0x25, 0x08, 0x02, 0x12, 0x21, 0x02), key)
const hashed = join(Uint8Array.of(0x12, 0x20), key)
const cid = (multihash: Uint8Array): string => `b${base32(join(Uint8Array.of(0x01, 0x72), multihash))}`

const peerIds: readonly VectorCase[] = [
  { comment: 'the form that is written', key: hex(key), text: base58(identity) },
  { comment: 'the form of a CID, which is read too', key: hex(key), text: cid(identity) }
]

const refusedPeerIds: readonly VectorCase[] = [
  { comment: 'a secp256k1 key', text: base58(otherKind) },
  { comment: 'the hash of a longer key', text: base58(hashed) },
  {
    comment: 'the CID of another content type',
    text: `b${base32(join(Uint8Array.of(0x01, 0x55), identity))}`
  },
  { comment: 'a character that base58 has not', text: `${base58(identity).slice(0, -1)}0` },
  { comment: 'a byte too many', text: base58(join(identity, Uint8Array.of(0))) },
  { comment: 'nothing', text: '' }
]

export function generateVectors(): VectorPage {
  return {
    name: 'network',
    specification: 'doc/spec/24-network.md',
    comment:
      'frames: `output` is the frame `input` with its length before it; fields of bytes are hexadecimal. refused: `input` is a frame with its length that ends the connection. peerIds: transport key and text; refusedPeerIds: texts that are no id of a transport key.',
    groups: { frames, refused: refusedFrames, peerIds, refusedPeerIds }
  }
}
