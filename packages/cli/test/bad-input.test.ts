import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CanonicalReader, CanonicalWriter, decodeEnvelope, encodeEnvelope } from '@blocktree/codec'
import { type Answer, type RunningNode, type Workplace, workplace } from './running-node.ts'

let place: Workplace
let node: RunningNode

beforeAll(async () => {
  place = await workplace()
  node = await place.start()
})

afterAll(async () => {
  expect(await node.stop()).toBe(0)
  await place[Symbol.asyncDispose]()
})

async function stillAnswers(): Promise<void> {
  expect((await node.call('node.ping')).result).toHaveProperty('timeMs')
}

function residentBytes({ result }: Answer): number {
  const found: unknown = result?.['process']
  const isStatus = typeof found === 'object' && found !== null && 'residentBytes' in found
  return isStatus ? Number(found.residentBytes) : Number.NaN
}

describe('bad input is answered with a code, and the next request is served:', () => {
  test.each([
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"file.lst"}', 'ERR_RPC_METHOD_UNKNOWN'],
    ['wrong types', '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":5}}', 'ERR_RPC_PARAMS'],
    [
      'an unknown parameter',
      '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":"/","pth":1}}',
      'ERR_RPC_PARAMS'
    ],
    ['half a line', '{"jsonrpc":"2.0","id":1,"meth', 'ERR_RPC_PARSE'],
    ['an array as parameters', '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":[]}', 'ERR_RPC_PARAMS'],
    ['a number', '42', 'ERR_RPC_REQUEST'],
    [
      'a path with ..',
      '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":"/a/../b"}}',
      'ERR_PATH_INVALID'
    ],
    [
      'a path with NUL',
      '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":"/a\\u0000b"}}',
      'ERR_PATH_INVALID'
    ],
    [
      'a relative path',
      '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":"a"}}',
      'ERR_PATH_INVALID'
    ],
    [
      'a lone surrogate',
      '{"jsonrpc":"2.0","id":1,"method":"file.stat","params":{"path":"/\\ud800"}}',
      'ERR_PATH_INVALID'
    ],
    [
      'a wrong password',
      '{"jsonrpc":"2.0","id":1,"method":"root.unlock","params":{"passphrase":"wrong"}}',
      'ERR_ROOT_PASSPHRASE'
    ],
    [
      'no base64',
      '{"jsonrpc":"2.0","id":1,"method":"file.create","params":{"path":"/a","data":"!"}}',
      'ERR_RPC_PARAMS'
    ],
    [
      'a name of __proto__',
      '{"jsonrpc":"2.0","id":1,"method":"file.setMetadata","params":{"path":"/","attributes":{"__proto__":""}}}',
      'ERR_RPC_PARAMS'
    ],
    [
      'an identifier that is none',
      '{"jsonrpc":"2.0","id":1,"method":"file.restore","params":{"path":"/","version":"bnotanidentifier"}}',
      'ERR_CODEC_IDENTIFIER'
    ],
    [
      'a missing file',
      '{"jsonrpc":"2.0","id":1,"method":"file.read","params":{"path":"/nowhere"}}',
      'ERR_FILE_NOT_FOUND'
    ],
    [
      'a request line that is damaged',
      '{"jsonrpc":"2.0","id":1,"method":"access.receive","params":{"line":"blocktree-request:AAAA"}}',
      'ERR_ACCESS_LINE'
    ],
    [
      'a backup of a file that is none',
      '{"jsonrpc":"2.0","id":1,"method":"backup.restore","params":{"file":"/etc/hostname","passphrase":"xxxxxxxxxxxx"}}',
      'ERR_BACKUP_CORRUPT'
    ],
    [
      'a relative path of the host',
      '{"jsonrpc":"2.0","id":1,"method":"backup.create","params":{"file":"x","passphrase":"xxxxxxxxxxxx"}}',
      'ERR_PATH_LOCAL'
    ]
  ])('%s', async (_, line, code) => {
    const [answer] = await node.send(`${line}\n`, 1)
    expect(answer?.error?.data.code).toBe(code)
    await stillAnswers()
  })

  test('a name of 300 bytes', async () => {
    const answer = await node.call('file.mkdir', { path: `/${'n'.repeat(300)}` })
    expect(answer.error?.data.code).toBe('ERR_PATH_INVALID')
    await stillAnswers()
  })

  test('a directory where a file is needed, and the reverse', async () => {
    await node.call('file.mkdir', { path: '/d' })
    await node.call('file.create', { path: '/d/f', data: '' })
    expect((await node.call('file.read', { path: '/d' })).error?.data.code).toBe('ERR_FILE_IS_DIRECTORY')
    expect((await node.call('file.list', { path: '/d/f' })).error?.data.code).toBe('ERR_FILE_NOT_DIRECTORY')
    expect((await node.call('file.remove', { path: '/d' })).error?.data.code).toBe('ERR_DIRECTORY_NOT_EMPTY')
    expect((await node.call('file.create', { path: '/d/f', data: '' })).error?.data.code).toBe(
      'ERR_FILE_EXISTS'
    )
    await stillAnswers()
  })

  test('binary garbage on stdin', async () => {
    const garbage = Buffer.alloc(4096, Uint8Array.of(0x7b, 0xff, 0xfe, 0x00, 0x80)) // begins like JSON
    const [answer] = await node.send(
      Buffer.concat([garbage.filter((byte) => byte !== 10), Buffer.from('\n')]),
      1
    )
    expect(answer?.error?.data.code).toBe('ERR_RPC_PARSE')
    await stillAnswers()
  })

  test('a line of 1 GiB, in bounded memory', async () => {
    const chunk = Buffer.alloc(1 << 20, 'x')
    const count = process.env['SLOW'] === '1' ? 1024 : 128
    const answers = node.send('{"jsonrpc":"2.0","id":1,"method":"', 1)
    for (let index = 0; index < count; index++) {
      if (!node.child.stdin.write(chunk)) await once(node.child.stdin, 'drain')
    }
    node.child.stdin.write('\n')
    const [answer] = await answers
    expect(answer?.error?.data.code).toBe('ERR_RPC_LINE_TOO_LONG')
    const status = await node.call('node.status')
    expect(residentBytes(status)).toBeLessThan(300 * 1024 * 1024)
  })

  test('100,000 requests whose answers nobody reads', async () => {
    const flood = connect(join(place.data, 'rpc.sock'))
    await once(flood, 'connect')
    flood.pause()
    flood.on('error', () => undefined)
    const line = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"node.status"}\n'.repeat(1000))
    for (let index = 0; index < 100; index++) flood.write(line)
    await stillAnswers() // others are served meanwhile
    const status = await node.call('node.status')
    expect(residentBytes(status)).toBeLessThan(400 * 1024 * 1024)
    flood.destroy()
    await stillAnswers()
  })

  test('a bundle of headers with forged signatures: each is refused, with its reason, and nothing changes', async () => {
    const file = join(place.path, 'tree.bundle')
    await node.call('file.create', { path: '/genuine', data: Buffer.from('as it was').toString('base64') })
    expect((await place.run(['bundle', 'export', file])).code).toBe(0)
    const { bytes, forged } = withForgedHeaders(await readFile(file))
    await writeFile(file, bytes)
    expect(forged).toBeGreaterThan(1)
    const { stdout } = await place.run(['bundle', 'import', file, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 0, refused: forged })
    expect(stdout).toContain('(ERR_RECORD_SIGNATURE)')
    const { result: kept } = await node.call('file.read', { path: '/genuine' })
    expect(kept).toMatchObject({ data: Buffer.from('as it was').toString('base64') })
    await stillAnswers()
  })

  test('garbage and a broken connection on the socket', async () => {
    for (const bytes of [
      Buffer.from([0, 0xff, 0xff, 0xff, 1, 2, 3]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0, 0, 0, 1, 0xc1])
    ]) {
      const socket = connect(join(place.data, 'rpc.sock'))
      socket.on('error', () => undefined)
      socket.resume()
      await once(socket, 'connect')
      socket.write(bytes)
      await stillAnswers()
      socket.destroy()
    }
    await stillAnswers()
  })
})

const headerType = 10
const frameBytesMax = 1 << 21

/** A bundle (doc/spec/15-bundles.md) in which every header is another one than its signature was made for. */
function withForgedHeaders(bundle: Uint8Array): { readonly bytes: Uint8Array; readonly forged: number } {
  const frames: Uint8Array[] = []
  let forged = 0
  let digest: Uint8Array = new Uint8Array(32)
  for (let at = 0; at < bundle.length;) {
    const length = new DataView(bundle.buffer, bundle.byteOffset).getUint32(at)
    let frame = bundle.subarray(at + 4, at + 4 + length)
    at += 4 + length
    const reader = new CanonicalReader(frame)
    const fields = reader.array(4)
    const kind = reader.uint()
    if (kind === 4) {
      const ending = new CanonicalWriter().array(fields).uint(kind).uint(reader.uint()).uint(reader.uint())
      frame = ending.bin(digest).finish()
    }
    if (kind === 2) {
      const envelope = decodeEnvelope(reader.bin(frameBytesMax))
      const inline = reader.optional(() => reader.bin(frameBytesMax))
      if (envelope.type === headerType) {
        const body = Uint8Array.from(envelope.body)
        const place = body.length - 10 // in the sealed part: every field stays well-formed
        body[place] = (body[place] ?? 0) ^ 1
        const writer = new CanonicalWriter().array(fields).uint(kind)
        writer.bin(encodeEnvelope({ ...envelope, body }))
        frame = writer.optional(inline, (bytes) => writer.bin(bytes)).finish()
        forged++
      }
    }
    digest = createHash('sha256').update(digest).update(frame).digest()
    const head = Buffer.alloc(4)
    head.writeUInt32BE(frame.length)
    frames.push(head, frame)
  }
  return { bytes: Buffer.concat(frames), forged }
}
