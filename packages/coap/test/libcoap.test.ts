/** The judge: libcoap's client and server (Debian package libcoap3-bin), in both roles, over UDP and TCP. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CoapServer, type Handler, code, connectCoap, listenCoap } from '../src/index.ts'
import { get, pattern, put, textOf } from './samples.ts'

const client = 'coap-client-notls'
const server = 'coap-server-notls'
const isAbsent = [client, server].some(
  (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0
)
const run = promisify(execFile)
const sizes = [1, 1024, 32_768]

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'coap-judge-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A port that is free for both UDP and TCP, most likely. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve)
  })
  const { port } = probe.address() as { port: number }
  await new Promise<void>((resolve) => {
    probe.close(() => resolve())
  })
  return port
}

describe.skipIf(isAbsent)('libcoap (needs libcoap3-bin): its client asks our server', () => {
  const kept = new Map<string, Uint8Array>()
  const handler: Handler = ({ code: method, path, payload }) => {
    if (method === code.put) {
      kept.set(path, payload.slice())
      return { code: code.changed }
    }
    const found = kept.get(path)
    return found === undefined ? { code: code.notFound } : { code: code.content, payload: found }
  }
  let servers: CoapServer[]
  beforeAll(async () => {
    servers = [
      await listenCoap('coap://127.0.0.1:0', handler),
      await listenCoap('coap+tcp://127.0.0.1:0', handler)
    ]
  })
  afterAll(async () => {
    for (const one of servers) await one.close()
  })

  for (const [index, transport] of ['UDP', 'TCP'].entries())
    for (const size of sizes)
      test(`PUT and GET of ${size} bytes over ${transport}`, async () => {
        const url = `${servers[index]?.url}/place-${size}`
        const input = join(directory, 'input')
        const output = join(directory, 'output')
        writeFileSync(input, pattern(size))
        await run(client, ['-m', 'put', '-f', input, '-B', '20', url])
        expect(Buffer.compare(kept.get(`/place-${size}`) ?? new Uint8Array(0), pattern(size))).toBe(0)
        await run(client, ['-m', 'get', '-o', output, '-B', '20', url])
        expect(Buffer.compare(readFileSync(output), pattern(size))).toBe(0)
      })

  test('PUT in blocks of 512 bytes over UDP', async () => {
    const input = join(directory, 'input')
    writeFileSync(input, pattern(5000))
    await run(client, ['-m', 'put', '-b', '512', '-f', input, '-B', '20', `${servers[0]?.url}/small`])
    expect(Buffer.compare(kept.get('/small') ?? new Uint8Array(0), pattern(5000))).toBe(0)
  })
})

describe.skipIf(isAbsent)('libcoap (needs libcoap3-bin): our client asks its server', () => {
  let port: number
  let child: ChildProcess
  beforeAll(async () => {
    port = await freePort()
    child = spawn(server, ['-A', '127.0.0.1', '-p', String(port), '-d', '20'], { stdio: 'ignore' })
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        const peer = await connectCoap(`coap+tcp://127.0.0.1:${port}`)
        await peer.close()
        return
      } catch {
        await new Promise((resolve) => {
          setTimeout(resolve, 100)
        })
      }
    }
  })
  afterAll(() => child.kill())

  for (const scheme of ['coap', 'coap+tcp']) {
    for (const size of sizes)
      test(`PUT and GET of ${size} bytes by ${scheme}`, async () => {
        const peer = await connectCoap(`${scheme}://127.0.0.1:${port}`)
        const path = `/place-${scheme.length}-${size}`
        const stored = await peer.request(put(path, pattern(size)), { timeoutMs: 20_000 })
        expect([code.created, code.changed]).toContain(stored.code)
        const fetched = await peer.request(get(path), { timeoutMs: 20_000 })
        expect(Buffer.compare(fetched.payload, pattern(size))).toBe(0)
        await peer.close()
      })

    test(`ping, list of resources and observing the time by ${scheme}`, async () => {
      const peer = await connectCoap(`${scheme}://127.0.0.1:${port}`)
      await peer.ping({ timeoutMs: 10_000 })
      expect(textOf(await peer.request(get('/.well-known/core')))).toContain('</time>')
      const seen: string[] = []
      const twice = Promise.withResolvers<void>()
      const observation = await peer.observe(get('/time'), (response) => {
        seen.push(textOf(response))
        if (seen.length === 2) twice.resolve()
      })
      expect(observation.isObserving).toBe(true)
      await twice.promise
      observation.end()
      expect(seen.every((text) => /\d\d:\d\d:\d\d/.test(text))).toBe(true)
      await peer.close()
    })
  }

  test('what it refuses is an answer, not an error', async () => {
    const peer = await connectCoap(`coap+tcp://127.0.0.1:${port}`)
    expect((await peer.request(get('/nothing/here'))).code).toBe(code.notFound)
    await peer.close()
  })
})
