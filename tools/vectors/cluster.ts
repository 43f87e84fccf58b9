/**
 * Vectors of doc/spec/27-cluster.md: hellos, invitation codes, the proofs of joining, messages. Put together here from
 * the page, without the package that they judge.
 */
import { concatBytes } from '@blocktree/codec'
import { createEndpoint } from '@blocktree/tree'
import { hex, type VectorCase, type VectorPage } from '../vector-page.ts'
import { type SeededPrincipal, crypto, filled, seededPrincipal, treeRecord } from '../vector-tree.ts'
import { type Edit, type Value, editBytes, encodeValue } from '../vector-value.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const box = seededPrincipal('box')
const laptop = seededPrincipal('laptop')
const nowMs = 1_800_000_000_000
const transportKey = filled(32, 3)

export function generateVectors(): VectorPage {
  return {
    name: 'cluster',
    specification: 'doc/spec/27-cluster.md',
    comment:
      'hellos: `bytes` said over a connection whose other end has proven `remoteKey`, judged at `nowMs`; then what they say. ' +
      'codes: `text` is the code as it is shown; `typed`, where it is there, is the same typed by hand. Refused codes are ' +
      'ERR_INVITATION_CODE. joinRequests and joinAnswers: `bytes` under `secret` between the transport keys and principals ' +
      'named; `invitation` is the id of the invitation. Refused ones name the code, ERR_JOIN_PROOF where the message is whole ' +
      'and its mac is not. messages: all fields, null for those that are absent.',
    groups: {
      hellos: helloCases(),
      refuseHellos: refusedHellos(),
      codes: codeCases(),
      refuseCodes: refusedCodes(),
      joinRequests: [requestCase()],
      refuseJoinRequests: refusedRequests(),
      joinAnswers: answerCases(),
      refuseJoinAnswers: refusedAnswers(),
      messages: messageCases(),
      refuseMessages: refusedMessages()
    }
  }
}

// --- section 2

interface HelloParts {
  readonly endpointOf?: SeededPrincipal
  readonly notAfter?: number
  readonly trees?: Value
  readonly features?: Value
  readonly purpose?: number
}

function helloBytes(parts: HelloParts = {}): Uint8Array {
  const { endpointOf = box, notAfter = nowMs + 86_400_000, trees = [], features = [], purpose = 0 } = parts
  const endpoint = createEndpoint(crypto, endpointOf, {
    tree: treeRecord.id,
    transportKey,
    addresses: ['/ip4/192.0.2.1/tcp/4781/tls'],
    notAfter,
    sequence: 7
  })
  return encodeValue([1, box.record.bytes, endpoint.bytes, trees, features, nowMs, purpose, []])
}

function helloCase(comment: string, bytes: Uint8Array): VectorCase {
  return { comment, bytes: hex(bytes), remoteKey: hex(transportKey), nowMs }
}

function helloCases(): VectorCase[] {
  const trees = [[treeRecord.id, [filled(32, 4), filled(32, 5)]]]
  const said = { principal: hex(box.id), sequence: 7, clockMs: nowMs }
  const late = nowMs - 599_000
  return [
    { ...helloCase('the shortest', helloBytes()), ...said, trees: [], features: [], purpose: 0 },
    {
      ...helloCase(
        'with a tree, two caps and features',
        helloBytes({ trees, features: ['messages/1', 'later/2'] })
      ),
      ...said,
      trees: [[hex(treeRecord.id), [hex(filled(32, 4)), hex(filled(32, 5))]]],
      features: ['messages/1', 'later/2'],
      purpose: 0
    },
    {
      ...helloCase('of a node that wants to join', helloBytes({ purpose: 1 })),
      ...said,
      trees: [],
      features: [],
      purpose: 1
    },
    {
      ...helloCase('its endpoint ended less than ten minutes ago', helloBytes({ notAfter: late })),
      ...said,
      trees: [],
      features: [],
      purpose: 0
    }
  ]
}

function refusedHellos(): VectorCase[] {
  const good = helloBytes()
  const refuse = (comment: string, bytes: Uint8Array, error = 'ERR_HELLO_FORMAT'): VectorCase => ({
    ...helloCase(comment, bytes),
    error
  })
  const edited = (comment: string, path: readonly number[], edit: Value | Edit): VectorCase =>
    refuse(comment, editBytes(good, path, edit))
  const proof = 'ERR_HELLO_PROOF'
  return [
    edited('another version', [0], 2),
    edited('a principal record where the endpoint belongs', [2], box.record.bytes),
    edited(
      '65 trees',
      [3],
      Array.from({ length: 65 }, () => [filled(32, 1), []])
    ),
    edited('nine caps for one tree', [3], [[filled(32, 1), Array.from({ length: 9 }, () => filled(32, 2))]]),
    edited(
      '33 features',
      [4],
      Array.from({ length: 33 }, () => 'x')
    ),
    edited('a feature of 65 bytes', [4], ['x'.repeat(65)]),
    edited('a purpose that is not there', [6], 2),
    edited('something in the place of extensions', [7], [1]),
    refuse('a byte after it', concatBytes(good, Uint8Array.of(0))),
    refuse('cut off', good.subarray(0, -1)),
    refuse('more than 24 KiB', new Uint8Array(24 * 1024 + 1)),
    refuse('an endpoint that another principal signed', helloBytes({ endpointOf: laptop }), proof),
    refuse('an endpoint that ended long ago', helloBytes({ notAfter: nowMs - 601_000 }), proof),
    {
      ...refuse('said over a channel of another transport key', good, proof),
      remoteKey: hex(filled(32, 9))
    },
    refuse('a principal record whose signature is damaged', damaged(good, 1), proof),
    refuse('an endpoint whose signature is damaged', damaged(good, 2), proof)
  ]
}

/** With the last byte of the signature of one record changed; it is the last of an envelope. */
function damaged(bytes: Uint8Array, index: number): Uint8Array {
  return editBytes(bytes, [index], (record) => {
    if (!(record instanceof Uint8Array)) throw new TypeError('no record')
    const copy = record.slice()
    copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
    return copy
  })
}

// --- section 5

const secret = crypto.sha256(utf8('secret of the invitation')).subarray(0, 16)
const fingerprint = crypto.sha256(concatBytes(box.id, treeRecord.id)).subarray(0, 8)
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

function codeText(body: Uint8Array, check?: Uint8Array): string {
  const sum = check ?? crypto.sha256(concatBytes(utf8('blocktree/invite/code/1\0'), body)).subarray(0, 4)
  const bits = [...concatBytes(body, sum)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const digits = bits.match(/.{1,5}/g) ?? []
  const text = digits.map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)] ?? '').join('')
  return ['BTJ', ...(text.match(/.{1,5}/g) ?? [])].join('-')
}

function codeBody(addresses: Uint8Array, version = 1): Uint8Array {
  return concatBytes(Uint8Array.of(version), secret, transportKey, fingerprint, addresses)
}

const plainIp4 = Uint8Array.of(1, 192, 0, 2, 1, 0x12, 0xad)
const tlsIp4 = Uint8Array.of(2, 192, 0, 2, 1, 0x12, 0xad)
const textAddress = (text: string): Uint8Array => concatBytes(Uint8Array.of(15 + text.length), utf8(text))

function codeCases(): VectorCase[] {
  const one = (comment: string, addresses: readonly string[], bytes: Uint8Array): VectorCase => ({
    comment,
    text: codeText(codeBody(bytes)),
    secret: hex(secret),
    transportKey: hex(transportKey),
    inviter: hex(box.id),
    tree: hex(treeRecord.id),
    fingerprint: hex(fingerprint),
    addresses
  })
  const dns = '/dns4/box.example/tcp/4781/tls'
  const four = ['/ip4/192.0.2.1/tcp/4781/tls', '/ip4/192.0.2.1/tcp/4781', dns, '/ip6/2001:db8::1/tcp/1']
  const all = concatBytes(tlsIp4, plainIp4, textAddress(dns), textAddress(four[3] ?? ''))
  const typed = one('typed with small letters, O for 0, I and L for 1, and spaces', [], new Uint8Array(0))
  const text = codeText(codeBody(new Uint8Array(0)))
  return [
    one('without an address', [], new Uint8Array(0)),
    one('with an address and TLS', four.slice(0, 1), tlsIp4),
    one('with four addresses', four, all),
    {
      ...typed,
      typed: ` ${text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}\n`
    }
  ]
}

function refusedCodes(): VectorCase[] {
  const none = new Uint8Array(0)
  const good = codeText(codeBody(tlsIp4))
  const last = good.at(-1) ?? ''
  const tail = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  return [
    { comment: 'empty', text: '' },
    { comment: 'another prefix', text: good.replace('BTJ', 'BTK') },
    { comment: 'a letter that is not of the alphabet', text: good.replace(/.$/, 'U') },
    { comment: 'a group left out', text: good.replace(/-[^-]{5}/, '') },
    { comment: 'left-over bits that are not zero', text: good.slice(0, -1) + tail },
    { comment: 'a wrong checksum', text: codeText(codeBody(none), Uint8Array.of(0, 0, 0, 0)) },
    { comment: 'a later version', text: codeText(codeBody(none, 2)) },
    { comment: 'an address of no kind', text: codeText(codeBody(Uint8Array.of(3, 0, 0, 0, 0, 0, 0))) },
    { comment: 'an address that is cut off', text: codeText(codeBody(tlsIp4.subarray(0, 5))) },
    { comment: 'an address that is no multiaddr', text: codeText(codeBody(textAddress('box.example'))) },
    {
      comment: 'an address that is no UTF-8',
      text: codeText(codeBody(Uint8Array.of(17, 0x2f, 0xff)))
    },
    {
      comment: 'five addresses',
      text: codeText(codeBody(concatBytes(tlsIp4, tlsIp4, tlsIp4, tlsIp4, tlsIp4)))
    }
  ]
}

const joinerKey = filled(32, 6)
const channel = { joinerKey, inviterKey: transportKey, joiner: laptop.id, inviter: box.id }
const invitation = crypto.hmacSha256(secret, [utf8('blocktree/invite/id/1\0')]).subarray(0, 8)
const line = 'blocktree-request:AAAA'

function proven(domain: 'request' | 'answer', body: Uint8Array): Uint8Array {
  const key = crypto.hmacSha256(secret, [utf8(`blocktree/invite/${domain}/1\0`)])
  const said = [joinerKey, transportKey, laptop.id, box.id, crypto.sha256(body)]
  return encodeValue([body, crypto.hmacSha256(key, said)])
}

const between: Readonly<Record<string, string>> = {
  secret: hex(secret),
  ...Object.fromEntries(Object.entries(channel).map(([name, id]) => [name, hex(id)]))
}

const requestBody = encodeValue([1, invitation, line, 'my laptop – ü'])
const requestBytes = proven('request', requestBody)

function requestCase(): VectorCase {
  return {
    comment: 'a request',
    ...between,
    invitation: hex(invitation),
    line,
    name: 'my laptop – ü',
    bytes: hex(requestBytes)
  }
}

/** Each field of the channel in turn is another one than where it was made. */
function elsewhere(bytes: Uint8Array): VectorCase[] {
  return ['secret', ...Object.keys(channel)].map((name) => ({
    comment: `another ${name}`,
    ...between,
    [name]: hex(filled(name === 'secret' ? 16 : 32, 0xee)),
    bytes: hex(bytes),
    error: 'ERR_JOIN_PROOF'
  }))
}

function refusedRequests(): VectorCase[] {
  const refuse = (comment: string, bytes: Uint8Array): VectorCase => ({
    comment,
    ...between,
    bytes: hex(bytes),
    error: 'ERR_METHOD_FORMAT'
  })
  const edited = (comment: string, path: readonly number[], edit: Value | Edit): VectorCase =>
    refuse(comment, proven('request', editBytes(requestBody, path, edit)))
  return [
    ...elsewhere(requestBytes),
    { ...refuse('the mac of an answer', proven('answer', requestBody)), error: 'ERR_JOIN_PROOF' },
    edited('another format', [0], 2),
    edited('an id of seven bytes', [1], invitation.subarray(1)),
    edited('a line of more than 12 KiB', [2], 'x'.repeat(12 * 1024 + 1)),
    edited('a name of 65 bytes', [3], 'x'.repeat(65)),
    refuse('without a mac', encodeValue([requestBody])),
    refuse('a mac of 31 bytes', editBytes(requestBytes, [1], filled(31, 1))),
    refuse('a byte after it', concatBytes(requestBytes, Uint8Array.of(0)))
  ]
}

function answerBody(state: number, reason = ''): Uint8Array {
  return encodeValue([1, state, treeRecord.id, reason])
}

function answerCases(): VectorCase[] {
  const answer = (comment: string, state: number, reason: string): VectorCase => ({
    comment,
    ...between,
    state,
    tree: hex(treeRecord.id),
    reason,
    bytes: hex(proven('answer', answerBody(state, reason)))
  })
  return [
    answer('waiting', 0, ''),
    answer('approved', 1, ''),
    answer('refused, with a reason', 2, 'not this machine')
  ]
}

function refusedAnswers(): VectorCase[] {
  const good = proven('answer', answerBody(1))
  const refuse = (comment: string, bytes: Uint8Array): VectorCase => ({
    comment,
    ...between,
    bytes: hex(bytes),
    error: 'ERR_METHOD_FORMAT'
  })
  return [
    ...elsewhere(good),
    { ...refuse('the mac of a request', proven('request', answerBody(1))), error: 'ERR_JOIN_PROOF' },
    refuse('a state that is not there', proven('answer', answerBody(3))),
    refuse('a reason of 201 bytes', proven('answer', answerBody(2, 'x'.repeat(201)))),
    refuse('another format', proven('answer', editBytes(answerBody(1), [0], 2)))
  ]
}

// --- section 7

const messageFields = ['tree', 'fromApp', 'toApp', 'topic', 'content', 'number', 'replyWithinMs', 'inReplyTo']
const plainMessage: readonly Value[] = [1, treeRecord.id, null, null, 'ping', filled(3, 7), 1, null, null]

function messageCase(comment: string, fields: readonly Value[]): VectorCase {
  const named = messageFields.map((name, index) => {
    const value = fields[index + 1] ?? null
    return [name, value instanceof Uint8Array ? hex(value) : value] as const
  })
  return { comment, ...Object.fromEntries(named), bytes: hex(encodeValue(fields)) }
}

function messageCases(): VectorCase[] {
  return [
    messageCase('to a node', plainMessage),
    messageCase('between apps, with a reply awaited', [
      1,
      treeRecord.id,
      'notes',
      'hits',
      'hello – ü',
      new Uint8Array(0),
      2 ** 53 - 1,
      86_400_000,
      null
    ]),
    messageCase('a reply', [1, treeRecord.id, 'hits', 'notes', '', filled(1, 0), 2, null, 2 ** 53 - 1])
  ]
}

function refusedMessages(): VectorCase[] {
  const good = encodeValue(plainMessage)
  const refuse = (comment: string, bytes: Uint8Array): VectorCase => ({
    comment,
    bytes: hex(bytes),
    error: 'ERR_MESSAGE_FORMAT'
  })
  const edited = (comment: string, index: number, edit: Value | Edit): VectorCase =>
    refuse(comment, editBytes(good, [index], edit))
  return [
    edited('another format', 0, 2),
    edited('a tree of 31 bytes', 1, filled(31, 1)),
    edited('the name of an app of 256 bytes', 2, 'x'.repeat(256)),
    edited('a topic of 1,025 bytes', 4, 'x'.repeat(1025)),
    edited('text for content', 5, 'text'),
    edited('a reply within more than a day', 7, 86_400_001),
    refuse('a field too few', encodeValue(plainMessage.slice(0, -1))),
    refuse('a byte after it', concatBytes(good, Uint8Array.of(0))),
    refuse('nothing', new Uint8Array(0))
  ]
}
