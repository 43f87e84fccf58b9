import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { HostFailure, type TcpListener, type TcpSocket } from '@blocktree/apps'
import { describe, expect, test } from 'vitest'
import { createSocketPort } from '../../src/apps/socket-port.ts'

const port = createSocketPort()
const here = '127.0.0.1'
const waitMs = 5000
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const words = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)

async function failureOf(act: Promise<unknown>): Promise<string> {
  try {
    await act
    return 'none'
  } catch (error) {
    return error instanceof HostFailure ? error.failure : 'another error'
  }
}

async function connected(): Promise<readonly [TcpListener, TcpSocket, TcpSocket]> {
  const listener = await port.listen(here, 0)
  const accepting = listener.accept(waitMs)
  const client = await port.connect(here, listener.local.port, AbortSignal.timeout(waitMs))
  return [listener, client, await accepting]
}

describe('TCP', () => {
  test('carries bytes both ways, in parts of the length asked for, until one side ends', async () => {
    const [listener, client, server] = await connected()
    try {
      expect(server.peer).toEqual(client.local)
      await client.send(bytes('hello'))
      expect(words(await server.receive(2, waitMs))).toBe('he')
      expect(words(await server.receive(100, waitMs))).toBe('llo')
      await client.shutdown('send')
      expect(await server.receive(100, waitMs)).toBeUndefined()
      await server.send(bytes('still heard'))
      expect(words(await client.receive(100, waitMs))).toBe('still heard')
    } finally {
      for (const one of [client, server, listener]) one.close()
    }
  })

  test('a large message arrives whole though nobody reads at once', async () => {
    const [listener, client, server] = await connected()
    const content = new Uint8Array(3_000_000).map((_, index) => index % 251)
    try {
      const sent = client.send(content).then(() => client.shutdown('send'))
      const parts: Uint8Array[] = []
      for (;;) {
        const part = await server.receive(65_536, waitMs)
        if (part === undefined) break
        expect(part.byteLength).toBeLessThanOrEqual(65_536)
        parts.push(part.slice())
      }
      await sent
      expect(Buffer.concat(parts).equals(content)).toBe(true)
    } finally {
      for (const one of [client, server, listener]) one.close()
    }
  })

  test('tells that there is something to read, and that the other side has gone', async () => {
    const [listener, client, server] = await connected()
    const told: string[] = []
    server.onReadable((kind) => told.push(kind))
    try {
      await client.send(bytes('x'))
      await expect.poll(() => told).toContain('readable')
      expect(words(await server.receive(1, waitMs))).toBe('x')
      client.close()
      expect(await server.receive(1, waitMs)).toBeUndefined()
      await expect.poll(() => told).toContain('closed')
    } finally {
      for (const one of [client, server, listener]) one.close()
    }
  })

  test('ends what waits when it is closed here', async () => {
    const [listener, client, server] = await connected()
    const receiving = client.receive(1, waitMs)
    const accepting = failureOf(listener.accept(waitMs))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const before = performance.now()
    for (const one of [client, server, listener]) one.close()
    expect(await receiving).toBeUndefined()
    expect(await accepting).toBe('closed')
    expect(performance.now() - before).toBeLessThan(waitMs / 2)
  })

  test('says what failed: nobody there, nobody came, nothing came, another call waits, the address is taken', async () => {
    const [listener, client, server] = await connected()
    const { port: taken } = listener.local
    try {
      expect(await failureOf(port.listen(here, taken))).toBe('conflict')
      expect(await failureOf(listener.accept(1))).toBe('timeout')
      expect(await failureOf(client.receive(1, 1))).toBe('timeout')
      const waiting = client.receive(1, waitMs)
      expect(await failureOf(client.receive(1, waitMs))).toBe('busy')
      await server.send(bytes('x'))
      expect(words(await waiting)).toBe('x')
    } finally {
      for (const one of [client, server, listener]) one.close()
    }
    await expect
      .poll(() => failureOf(port.connect(here, taken, AbortSignal.timeout(waitMs))))
      .toBe('unreachable')
    expect(await failureOf(port.connect(here, taken, AbortSignal.abort()))).toBe('unreachable')
  })

  test('a connection that is reset is an end with a failure, not of the node', async () => {
    const servers: Socket[] = []
    const server = createServer((socket) => void servers.push(socket)).listen(0, here)
    await once(server, 'listening')
    const bound = server.address()
    const client = await port.connect(
      here,
      typeof bound === 'object' && bound !== null ? bound.port : 0,
      AbortSignal.timeout(waitMs)
    )
    try {
      await expect.poll(() => servers.length).toBe(1)
      servers[0]?.resetAndDestroy()
      expect(await failureOf(client.receive(1, waitMs))).toBe('closed')
      expect(await failureOf(client.send(bytes('x')))).toBe('closed')
    } finally {
      client.close()
      server.close()
    }
  })
})

describe('UDP', () => {
  test('carries datagrams whole, and says from where', async () => {
    const [one, other] = [await port.bindUdp(here, 0), await port.bindUdp(here, 0)]
    try {
      await one.send(here, other.local.port, bytes('first'))
      await one.send(here, other.local.port, bytes(''))
      const got = await other.receive(waitMs)
      expect([words(got.content), got.peer]).toEqual(['first', one.local])
      expect((await other.receive(waitMs)).content).toHaveLength(0)
      expect(await failureOf(other.receive(1))).toBe('timeout')
      expect(await failureOf(port.bindUdp(here, one.local.port))).toBe('conflict')
      expect(await failureOf(one.send(here, other.local.port, new Uint8Array(70_000)))).toBe('unreachable')
    } finally {
      one.close()
      other.close()
    }
  })

  test('keeps a bounded number that nobody reads', async () => {
    const [one, other] = [await port.bindUdp(here, 0), await port.bindUdp(here, 0)]
    try {
      for (let index = 0; index < 200; index++) await one.send(here, other.local.port, bytes(String(index)))
      await new Promise((resolve) => setTimeout(resolve, 100))
      let count = 0
      while ((await failureOf(other.receive(1))) === 'none') count++
      expect(count).toBeGreaterThan(0)
      expect(count).toBeLessThanOrEqual(64)
    } finally {
      one.close()
      other.close()
    }
  })

  test('ends what waits when it is closed here', async () => {
    const socket = await port.bindUdp(here, 0)
    const waiting = failureOf(socket.receive(waitMs))
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.close()
    expect(await waiting).toBe('closed')
  })
})
