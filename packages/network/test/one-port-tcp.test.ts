import { connect, createServer, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { noise } from '@libp2p/noise'
import { identify } from '@libp2p/identify'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { describe, expect, test } from 'vitest'
import { createLibp2pNetwork, type Libp2pNetwork } from '@blocktree/network/libp2p'
import { freePort, isPlainTcp, OnePort } from '../src/one-port-tcp.ts'

describe('OnePort', () => {
  test('gives all dials that it is for one port, and knows where it is seen while somebody sees it', async () => {
    const relays = await Promise.all([openRelay(), openRelay()])
    const [first, second] = relays.map(({ network }) => network.addresses()[0] ?? '')
    const port = await freePort()
    const onePort = new OnePort(port, (address) => address !== second)
    const node = await createLibp2p({
      transports: [onePort.transport],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() }
    })
    node.addEventListener('peer:identify', ({ detail }) => onePort.identified(detail))
    try {
      await node.dial(multiaddr(second ?? ''))
      const connection = await node.dial(multiaddr(first ?? ''))
      const seen = (): readonly string[] => onePort.seenAt.map(String)
      await expect.poll(seen, { timeout: 20_000 }).toEqual([`/ip4/127.0.0.1/tcp/${port}`])
      await connection.close()
      await expect.poll(seen, { timeout: 20_000 }).toEqual([])
    } finally {
      await node.stop()
      await Promise.all(relays.map(({ network }) => network.close()))
    }
  })

  test('dials from any port where the same peer is reached from this one already', async () => {
    const relay = await openRelay()
    const address = relay.network.addresses()[0] ?? ''
    const port = await freePort()
    const taken = connect({
      port: Number(/tcp\/(\d+)/.exec(address)?.[1]),
      host: '127.0.0.1',
      localPort: port
    })
    await new Promise((resolve) => taken.once('connect', resolve))
    const onePort = new OnePort(port, () => true)
    const node = await createLibp2p({
      transports: [onePort.transport],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    try {
      expect((await node.dial(multiaddr(address))).status).toBe('open')
      expect(onePort.seenAt).toEqual([])
    } finally {
      taken.destroy()
      await node.stop()
      await relay.network.close()
    }
  })

  test('rests on sockets that dial from one port side by side, which one that listens does not allow', async () => {
    const sockets: Socket[] = []
    const servers = await Promise.all([1, 2].map(() => listening()))
    const port = await freePort()
    const dial = async (to: number, from: number): Promise<void> => {
      const socket = connect({ port: to, host: '127.0.0.1', localPort: from })
      sockets.push(socket)
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    }
    try {
      const [first, second] = servers.map(portOf)
      await dial(first ?? 0, port)
      await dial(second ?? 0, port)
      await expect(dial(first ?? 0, second ?? 0)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    } finally {
      for (const socket of sockets) socket.destroy()
      for (const server of servers) server.close()
    }
  })
})

describe('isPlainTcp', () => {
  test('knows an address of TCP, with or without who is there', () => {
    for (const text of ['/ip4/192.0.2.1/tcp/1', '/ip6/2001:db8::1/tcp/2', `/ip4/192.0.2.1/tcp/1/p2p/${peer}`])
      expect(isPlainTcp(multiaddr(text))).toBe(true)
  })

  test('refuses others', () => {
    const others = ['/ip4/192.0.2.1/udp/1/quic-v1', '/dns/x.example/tcp/1', '/ip4/192.0.2.1/tcp/1/ws']
    for (const text of [...others, `/ip4/192.0.2.1/tcp/1/p2p/${peer}/p2p-circuit`])
      expect(isPlainTcp(multiaddr(text))).toBe(false)
  })
})

const peer = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'

async function openRelay(): Promise<Libp2pNetwork> {
  const features = { identify: true }
  return await createLibp2pNetwork({ seed: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], features })
}

async function listening(): Promise<ReturnType<typeof createServer>> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}
