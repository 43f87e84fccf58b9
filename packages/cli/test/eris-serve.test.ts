/** The daemon of ERIS blocks as a process, and strangers who use it: libcoap's client, plain HTTP. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Block, type BlockRequest, formatReference } from '@blocktree/eris'
import { blockForTest } from '@blocktree/eris/conformance'
import { openBlockStore } from '@blocktree/eris-store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../dist/bundle/bin.js', import.meta.url))
const judge = 'coap-client-notls'
const isAbsent = spawnSync('sh', ['-c', `command -v ${judge}`]).status !== 0
const run = promisify(execFile)

interface Daemon {
  readonly child: ChildProcess
  readonly urls: readonly string[]
  /** Lines of its log. */
  readonly log: readonly Record<string, unknown>[]
  /** @returns its exit code */
  stop(): Promise<number | null>
}

let directory: string
const running: Daemon[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'eris-serve-'))
})
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Started when all its addresses are listened on. */
async function startDaemon(words: readonly string[]): Promise<Daemon> {
  const child = spawn(process.execPath, [program, 'eris', 'serve', '--json', ...words], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const log: Record<string, unknown>[] = []
  const urls: string[] = []
  const wanted = words.filter((word) => word === '--listen').length
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve)
  })
  const started = Promise.withResolvers<void>()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const entry = JSON.parse(line) as Record<string, unknown>
      log.push(entry)
      if (entry['event'] === 'listening') urls.push(String(entry['url']))
    }
    if (urls.length === wanted) started.resolve()
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaint += chunk))
  ended.then((code) => started.reject(new Error(`ended with ${code}: ${complaint}`))).catch(() => undefined)
  await started.promise
  const daemon = {
    child,
    urls,
    log,
    stop(): Promise<number | null> {
      child.kill('SIGTERM')
      return ended
    }
  }
  running.push(daemon)
  return daemon
}

function requestFor({ reference, bytes }: Block): BlockRequest {
  return { reference, size: bytes.length === 1024 ? 1024 : 32_768 }
}

const blocks = [blockForTest(1), blockForTest(2, 32_768)]
const sqlite = (): string => `sqlite:${join(directory, 'blocks.db')}`
const unix = (): string => `coap+unix://${join(directory, 'socket')}`

describe('blocktree eris serve', () => {
  test('shares blocks between programs and keeps them over a restart', async () => {
    const daemon = await startDaemon(['--listen', unix(), '--store', sqlite()])
    expect(statSync(join(directory, 'socket')).mode & 0o777).toBe(0o600)
    await using writer = await openBlockStore(unix())
    await using reader = await openBlockStore(unix())
    for (const block of blocks) await writer.put(block)
    for (const block of blocks)
      expect(Buffer.compare((await reader.get(requestFor(block))) ?? new Uint8Array(0), block.bytes)).toBe(0)
    expect(await daemon.stop()).toBe(0)
    await expect.poll(() => daemon.log.at(-1)).toMatchObject({ level: 'info', event: 'closed' })
    expect(existsSync(join(directory, 'socket'))).toBe(false)
    await startDaemon(['--listen', unix(), '--store', sqlite()])
    await using later = await openBlockStore(unix())
    for (const block of blocks) expect(await later.has(requestFor(block))).toBe(true)
  })

  test('gives each address its own permissions', async () => {
    const daemon = await startDaemon([
      '--listen',
      `${unix()}?mode=666`,
      '--listen',
      'coap+tcp://127.0.0.1:0?get',
      '--listen',
      'http://127.0.0.1:0?get',
      '--store',
      'memory:'
    ])
    expect(statSync(join(directory, 'socket')).mode & 0o777).toBe(0o666)
    const [, tcp = '', http = ''] = daemon.urls
    const [block] = blocks
    if (block === undefined) throw new Error('no block')
    for (const url of [tcp, http]) {
      await using store = await openBlockStore(url)
      await expect(store.put(block)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_DENIED' })
      expect(await store.get(requestFor(block))).toBeUndefined()
    }
    await using own = await openBlockStore(unix())
    await own.put(block)
    for (const url of [tcp, http]) {
      await using store = await openBlockStore(url)
      expect(await store.has(requestFor(block))).toBe(true)
    }
  })

  test('asks its peers, keeps what they gave, and does without them', async () => {
    const far = await startDaemon(['--listen', 'coap+tcp://127.0.0.1:0', '--store', 'memory:'])
    const [farUrl = ''] = far.urls
    {
      await using store = await openBlockStore(farUrl)
      for (const block of blocks) await store.put(block)
    }
    const words = ['--listen', unix(), '--store', `${sqlite()}?cache`]
    const near = await startDaemon([...words, '--peer', `${farUrl}?get`, '--peer', 'http://127.0.0.1:1?get'])
    await using store = await openBlockStore(unix())
    for (const block of blocks) expect((await store.get(requestFor(block)))?.length).toBe(block.bytes.length)
    await far.stop()
    for (const block of blocks) expect((await store.get(requestFor(block)))?.length).toBe(block.bytes.length)
    await expect(store.get(requestFor(blockForTest(3)))).rejects.toMatchObject({
      code: 'ERR_ERIS_STORE_UNAVAILABLE'
    })
    await expect.poll(() => near.log.map(({ event }) => event)).toContain('store-failed')
  })

  test.each([
    ['with a store that is none', ['--store', 'ftp://x'], 2],
    ['with an address that is none', ['--store', 'memory:', '--listen', 'ftp://x'], 2],
    ['with a database of another kind', ['--store', 'sqlite:FILE'], 7]
  ])('%s ends with the exit code that says so', (_, words, expected) => {
    const file = join(directory, 'file')
    writeFileSync(file, 'something else '.repeat(500))
    const given = words.map((word) => word.replace('FILE', file))
    const listen = given.includes('--listen') ? [] : ['--listen', unix()]
    const { status, stderr } = spawnSync(process.execPath, [program, 'eris', 'serve', ...listen, ...given], {
      encoding: 'utf8',
      env: { ...process.env, ERIS_STORE_URL: '' }
    })
    expect([status, stderr.split('\n')[0]]).toEqual([
      expected,
      expect.stringContaining('blocktree: ') as unknown
    ])
  })

  test('answers any HTTP client', async () => {
    const daemon = await startDaemon(['--listen', 'http://127.0.0.1:0', '--store', 'memory:'])
    const [base = ''] = daemon.urls
    const [, block] = blocks
    if (block === undefined) throw new Error('no block')
    const url = `${base}/uri-res/N2R?urn:blake2b:${formatReference(block.reference)}`
    const body = Uint8Array.from(block.bytes)
    expect((await fetch(url)).status).toBe(404)
    expect((await fetch(url, { method: 'PUT', body: body.slice(1) })).status).toBe(400)
    expect((await fetch(url, { method: 'PUT', body: body.map((byte) => byte ^ 1) })).status).toBe(400)
    expect((await fetch(url)).status).toBe(404)
    expect((await fetch(url, { method: 'PUT', body })).status).toBe(201)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '32768'])
    const part = await fetch(url, { headers: { range: 'bytes=100-199' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-199/32768'])
    expect(Buffer.compare(await part.bytes(), block.bytes.subarray(100, 200))).toBe(0)
    expect((await fetch(url, { headers: { range: 'bytes=40000-' } })).status).toBe(416)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405)
    expect((await fetch(`${base}/elsewhere`)).status).toBe(404)
    expect((await fetch(`${base}/uri-res/N2R?urn:eris:AAAA`)).status).toBe(403)
  })
})

describe.skipIf(isAbsent)('libcoap (needs libcoap3-bin) as a stranger', () => {
  for (const [index, transport] of ['UDP', 'TCP'].entries())
    for (const block of blocks)
      test(`puts and gets a block of ${block.bytes.length} bytes over ${transport}`, async () => {
        const daemon = await startDaemon([
          '--listen',
          'coap://127.0.0.1:0',
          '--listen',
          'coap+tcp://127.0.0.1:0',
          '--store',
          sqlite()
        ])
        const base = daemon.urls[index] ?? ''
        const [input, output] = [join(directory, 'input'), join(directory, 'output')]
        writeFileSync(input, block.bytes)
        await run(judge, ['-m', 'put', '-B', '20', '-f', input, `${base}/.well-known/eris/blocks`])
        const query = `${base}/.well-known/eris/blocks?${formatReference(block.reference)}`
        await run(judge, ['-m', 'get', '-B', '20', '-o', output, query])
        expect(Buffer.compare(readFileSync(output), block.bytes)).toBe(0)
        const { stdout } = await run(judge, ['-m', 'get', '-B', '20', `${base}/.well-known/core`])
        expect(stdout).toContain('</.well-known/eris/blocks>;rt="eris.blocks"')
        const absent = await run(judge, [
          '-m',
          'get',
          '-B',
          '20',
          `${base}/.well-known/eris/blocks?${'A'.repeat(52)}`
        ])
        expect(`${absent.stdout}${absent.stderr}`).toContain('4.04')
      })
})

/** Its commands are known from its documents only: it could not be had where this was written. */
const hasErisGo = spawnSync('sh', ['-c', 'command -v eris-go']).status === 0
describe.skipIf(!hasErisGo)('eris-go (needs eris-go) as a stranger', () => {
  test('encodes into the daemon what this program decodes, and the other way round', async () => {
    const daemon = await startDaemon(['--listen', 'coap+tcp://127.0.0.1:0', '--store', 'memory:'])
    const url = daemon.urls[0] ?? ''
    const env = { ...process.env, ERIS_STORE_URL: `${url}?get&put` }
    const [input, output] = [join(directory, 'input'), join(directory, 'output')]
    writeFileSync(input, Buffer.alloc(100_000, 'some content '))
    const theirs = await run('eris-go', ['put', '-convergent', input], { env })
    await run(process.execPath, [program, 'eris', 'decode', '--store', url, theirs.stdout.trim(), output])
    expect(Buffer.compare(readFileSync(output), readFileSync(input))).toBe(0)
    const ours = await run(process.execPath, [program, 'eris', 'encode', '--store', url, input])
    const { stdout } = await run('eris-go', ['get', ours.stdout.trim()], { env, encoding: 'buffer' })
    expect(Buffer.compare(stdout, readFileSync(input))).toBe(0)
  })
})
