/** Numbers and permissions that are promised for ever, and the bytes that doc/spec/20-app-interface.md shows. */
import { describe, expect, test } from 'vitest'
import { CodecError } from '@blocktree/codec'
import {
  encodeExplanation,
  hostEvents,
  hostOperationName,
  hostOperations,
  hostStatus
} from '@blocktree/app-package'

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

describe('hostOperations', () => {
  // A row may be added; none may change or go: packages that are out there call by number.
  const promised: readonly (readonly [string, number, string, string?])[] = [
    ['files.read-file', 1, 'files', 'read'],
    ['files.write-file', 2, 'files', 'write'],
    ['files.open', 3, 'files'],
    ['files.open-version', 4, 'files', 'read'],
    ['files.read', 5, 'files', 'read'],
    ['files.write', 6, 'files', 'write'],
    ['files.set-size', 7, 'files', 'write'],
    ['files.commit', 8, 'files', 'write'],
    ['files.close', 9, 'always'],
    ['files.create-directory', 10, 'files', 'create'],
    ['files.list-directory', 11, 'files', 'list'],
    ['files.stat', 12, 'files', 'list'],
    ['files.remove', 13, 'files', 'remove'],
    ['files.move-entry', 14, 'files', 'remove'],
    ['files.history', 15, 'files', 'read'],
    ['messages.send', 32, 'messages', 'send'],
    ['messages.reply', 33, 'messages'],
    ['locks.acquire', 48, 'files', 'lock'],
    ['locks.renew', 49, 'files', 'lock'],
    ['locks.release', 50, 'always'],
    ['watch.start', 64, 'files', 'read'],
    ['watch.end', 65, 'always'],
    ['http-client.request', 80, 'http-client'],
    ['http-client.read', 81, 'http-client'],
    ['http-client.close', 82, 'always'],
    ['http-server.read', 96, 'http-server'],
    ['http-server.respond', 97, 'http-server'],
    ['http-server.write', 98, 'http-server'],
    ['http-server.finish', 99, 'http-server'],
    ['sockets.tcp-connect', 112, 'sockets', 'tcp-connect'],
    ['sockets.tcp-listen', 113, 'sockets', 'tcp-listen'],
    ['sockets.accept', 114, 'sockets', 'tcp-listen'],
    ['sockets.send', 115, 'sockets'],
    ['sockets.receive', 116, 'sockets'],
    ['sockets.shutdown', 117, 'sockets'],
    ['sockets.udp-bind', 118, 'sockets', 'udp'],
    ['sockets.udp-send', 119, 'sockets', 'udp'],
    ['sockets.udp-receive', 120, 'sockets', 'udp'],
    ['sockets.local-endpoint', 121, 'always'],
    ['sockets.notify', 122, 'sockets'],
    ['sockets.close', 123, 'always'],
    ['timers.start', 128, 'always'],
    ['timers.cancel', 129, 'always'],
    ['random.bytes', 136, 'always'],
    ['clock.now', 140, 'always'],
    ['log.write', 144, 'always'],
    ['kv.get', 152, 'always'],
    ['kv.set', 153, 'always'],
    ['kv.delete', 154, 'always'],
    ['kv.list-keys', 155, 'always'],
    ['kv.replace', 156, 'always'],
    ['kv.increment', 157, 'always'],
    ['grants.list-granted', 168, 'always'],
    ['grants.ask', 169, 'always'],
    ['grants.give-back', 170, 'always']
  ]

  test('keeps every number, permission and right that was promised', () => {
    const rows = Object.values(hostOperations).map(({ name, op, permission, right }) =>
      right === undefined ? [name, op, permission] : [name, op, permission, right]
    )
    expect(rows).toEqual(promised)
  })

  test('names the operation of a number, and none for a number that was never given out', () => {
    for (const [name, op] of promised) expect(hostOperationName(op)).toBe(name)
    expect(hostOperationName(0)).toBeUndefined()
    expect(hostOperationName(31)).toBeUndefined()
    expect(hostOperationName(0xffff_ffff)).toBeUndefined()
  })

  test('carries a request as the array of its parameters', () => {
    const request = { path: '/data/a', offset: 256, length: 16 }
    const encoded = hostOperations['files.read-file'].encodeRequest(request)
    expect(hex(encoded)).toBe('93a72f646174612f61cd010010')
    expect(hostOperations['files.read-file'].decodeRequest(encoded)).toEqual(request)
  })

  test.each([0, 255, 256, 65_535, 65_536])('carries %i bytes behind the shortest head', (length) => {
    const { encodeReply, encodeReplyHead, decodeReply } = hostOperations['files.read']
    const content = new Uint8Array(length).fill(7)
    const encoded = encodeReply(content)
    expect(decodeReply(encoded)).toEqual(content)
    const head = encodeReplyHead?.(content) ?? new Uint8Array(0)
    expect(Buffer.compare(Buffer.concat([head, content]), encoded)).toBe(0)
  })

  test('carries nothing for an operation without parameters or result', () => {
    expect(hostOperations['clock.now'].encodeRequest({})).toHaveLength(0)
    expect(hostOperations['clock.now'].decodeRequest(new Uint8Array())).toEqual({})
    expect(() => hostOperations['clock.now'].decodeRequest(bytes('90'))).toThrow(CodecError)
    expect(hostOperations['files.close'].encodeReply(undefined)).toHaveLength(0)
  })

  test.each([
    ['a field too many', '94 a1 61 00 00 00'],
    ['a field too few', '92 a1 61 00'],
    ['a map', '83 a1 61 a1 61 00 00'],
    ['a number that is not in its shortest form', '93 a1 61 cc 01 00'],
    ['a negative number', '93 a1 61 ff 00'],
    ['a number above its width', '93 a1 61 00 cf 00 00 00 01 00 00 00 00'],
    ['text that claims more than there is', '93 db ff ff ff ff 61'],
    ['text beyond its bound', `93 da 10 01 ${'61'.repeat(4097)} 00 00`],
    ['an extension', '93 d4 01 00 00 00'],
    ['bytes after the end', '93 a1 61 00 00 00'],
    ['nothing', '']
  ])('refuses %s', (_what, request) => {
    expect(() => hostOperations['files.read-file'].decodeRequest(bytes(request))).toThrow(CodecError)
  })

  test('refuses a variant with a value where none belongs, and without one where one does', () => {
    const { decodeRequest } = hostOperations['files.remove']
    expect(decodeRequest(bytes('93 a1 61 c2 91 00')).expected).toEqual({ kind: 'anything' })
    expect(() => decodeRequest(bytes('93 a1 61 c2 92 00 00'))).toThrow(CodecError)
    expect(() => decodeRequest(bytes('93 a1 61 c2 91 02'))).toThrow(CodecError)
    expect(() => decodeRequest(bytes('93 a1 61 c2 91 03'))).toThrow(CodecError)
  })

  test('refuses flags and cases that do not exist', () => {
    expect(hostOperations['files.open'].decodeRequest(bytes('92 a1 61 1f')).mode.truncate).toBe(true)
    expect(() => hostOperations['files.open'].decodeRequest(bytes('92 a1 61 20'))).toThrow(CodecError)
    expect(() => hostOperations['log.write'].decodeRequest(bytes('92 04 a1 61'))).toThrow(CodecError)
  })

  test('refuses to encode what it would refuse to decode', () => {
    const { encodeRequest } = hostOperations['kv.set']
    expect(() => encodeRequest({ key: 'a'.repeat(513), value: new Uint8Array() })).toThrow(CodecError)
    expect(() => encodeRequest({ key: 'ä'.repeat(257), value: new Uint8Array() })).toThrow(CodecError)
    expect(() => encodeRequest({ key: 'a', value: new Uint8Array(65_537) })).toThrow(CodecError)
  })
})

describe('hostEvents', () => {
  const promised: readonly (readonly [string, number])[] = [
    ['init', 1],
    ['http', 2],
    ['message', 3],
    ['changed', 4],
    ['timer', 5],
    ['stop', 6],
    ['migrate', 7],
    ['health', 8],
    ['granted', 9],
    ['socket', 10]
  ]

  test('keeps every number that was promised', () => {
    expect(Object.values(hostEvents).map(({ name, event }) => [name, event])).toEqual(promised)
  })

  test('reads the answer of an app to a request', () => {
    const answer = hostEvents.http.decodeReply(bytes('92 00 93 cc c8 90 92 01 c4 02 6f 6b'))
    expect(answer).toEqual({
      kind: 'now',
      value: { status: 200, headers: [], body: { kind: 'content', value: new Uint8Array([0x6f, 0x6b]) } }
    })
  })

  test('refuses an answer with a status that HTTP does not have', () => {
    expect(() => hostEvents.http.decodeReply(bytes('92 00 93 cd 02 58 90 91 00'))).toThrow(CodecError)
  })

  test('reads success and failure of an app that starts', () => {
    expect(hostEvents.init.decodeReply(bytes('91 00'))).toEqual({ kind: 'ok', value: undefined })
    expect(hostEvents.init.decodeReply(bytes('92 01 a2 6e 6f'))).toEqual({ kind: 'error', value: 'no' })
    expect(() => hostEvents.init.decodeReply(bytes('92 00 c0'))).toThrow(CodecError)
  })
})

describe('hostStatus', () => {
  test('keeps every status that was promised', () => {
    expect(Object.entries(hostStatus).map(([name, code]) => `${code} ${name}`)).toEqual([
      '0 ok',
      '1 denied',
      '2 not-found',
      '3 exists',
      '4 conflict',
      '5 too-large',
      '6 budget',
      '7 invalid',
      '8 busy',
      '9 revoked',
      '10 closed',
      '11 timeout',
      '12 unreachable',
      '13 unsupported',
      '14 no-space',
      '15 internal'
    ])
  })
})

describe('encodeExplanation', () => {
  test('cuts words at 512 bytes, between characters', () => {
    expect(hex(encodeExplanation('no'))).toBe('a26e6f')
    expect(encodeExplanation('€'.repeat(500))).toHaveLength(3 + 510)
    expect(encodeExplanation('a\u{d800}')).toEqual(encodeExplanation('a\u{fffd}'))
  })
})
