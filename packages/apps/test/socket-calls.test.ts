import { hostStatus } from '@blocktree/app-package'
import type { Host } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { HostFailure } from '../src/host-failure.ts'
import type { SocketPort, TcpListener, TcpSocket, UdpSocket } from '../src/ports.ts'
import type { Granted } from '../src/index.ts'
import { grantOf, openHost, text } from './host-fixture.ts'

const { denied, invalid, closed, budget, unreachable } = hostStatus

function sockets(
  name: string,
  socket: 'tcp-connect' | 'tcp-listen' | 'udp',
  host: string,
  first = 7,
  last = first
): Granted {
  return grantOf(name, { kind: 'sockets', socket, host, portFirst: first, portLast: last })
}

interface Network {
  readonly port: SocketPort
  /** Where the host side went, in order, and what it closed. */
  readonly acts: string[]
  /** What the next receive or accept gets; without one it waits until `arrive`. */
  arrive(what: Uint8Array | Host.Datagram | TcpSocket | undefined): void
  /** Tells the listeners of the sockets made so far. */
  tell(kind: 'readable' | 'closed'): void
}

/** One machine behind every address; names lead where `names` says. */
function network(names: Readonly<Record<string, readonly string[]>> = {}): Network {
  const acts: string[] = []
  const arrived: unknown[] = []
  const waiting: ((what: never) => void)[] = []
  const told: ((kind: 'readable' | 'closed') => void)[] = []
  const next = async <T>(): Promise<T> => {
    if (arrived.length > 0) return arrived.shift() as T
    return await new Promise<T>((resolve) => waiting.push(resolve))
  }
  const made = (local: Host.Endpoint): UdpSocket & TcpListener & TcpSocket => ({
    local,
    peer: { host: '8.8.8.8', port: 9 },
    send: (...parts: unknown[]) => {
      acts.push(`send ${parts.filter((part) => typeof part !== 'object').join(' ')}`.trim())
      return Promise.resolve()
    },
    receive: () => next<never>(),
    accept: () => next(),
    shutdown: () => Promise.resolve(),
    onReadable: (listener: (kind: 'readable' | 'closed') => void) => void told.push(listener),
    onAcceptable: () => undefined,
    close: () => void acts.push('close')
  })
  const port: SocketPort = {
    resolve: (host) => Promise.resolve(names[host] ?? []),
    connect: (address, at) => {
      acts.push(`connect ${address} ${at}`)
      if (address === '8.8.4.4') return Promise.reject(new HostFailure('unreachable', 'refused'))
      return Promise.resolve(made({ host: '10.0.0.2', port: 5 }))
    },
    listen: (address, at) => {
      acts.push(`listen ${address} ${at}`)
      return Promise.resolve(made({ host: address, port: at }))
    },
    bindUdp: (address, at) => {
      acts.push(`bind ${address} ${at}`)
      return Promise.resolve(made({ host: address, port: at }))
    }
  }
  return {
    port,
    acts,
    arrive: (what) => {
      const waits = waiting.shift()
      if (waits === undefined) arrived.push(what)
      else waits(what as never)
    },
    tell: (kind) => {
      for (const listener of told) listener(kind)
    }
  }
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

describe('TCP connections', () => {
  const remote = { host: 'mail.example', port: 7 }

  test('go to what is granted, by the address that was judged, and carry bytes', async () => {
    const net = network({ 'mail.example': ['127.0.0.1', '8.8.4.4', '8.8.8.8'] })
    const host = await openHost({ sockets: net.port, granted: [sockets('net', 'tcp-connect', '*.example')] })
    const socket = (await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).reply ?? 0
    expect(net.acts).toEqual(['connect 8.8.4.4 7', 'connect 8.8.8.8 7'])
    expect((await host.call('sockets.send', { socket, content: text('hello') })).status).toBe(0)
    net.arrive(text('world'))
    const got = await host.call('sockets.receive', { socket, length: 100, wait: 1000 })
    expect(got.reply).toEqual({ content: text('world'), last: false })
    net.arrive(undefined)
    expect((await host.call('sockets.receive', { socket, length: 1, wait: 0 })).reply).toMatchObject({
      last: true
    })
    expect((await host.call('sockets.local-endpoint', { socket })).reply).toEqual({
      host: '10.0.0.2',
      port: 5
    })
    expect((await host.call('sockets.close', { socket })).status).toBe(0)
    expect(net.acts.at(-1)).toBe('close')
    expect((await host.call('sockets.send', { socket, content: text('x') })).status).toBe(closed)
  })

  test.each<[string, Host.Endpoint, number]>([
    ['another host', { host: 'other.test', port: 7 }, denied],
    ['another port', { host: 'mail.example', port: 8 }, denied],
    ['this machine, under a pattern', { host: 'here.example', port: 7 }, denied],
    ['this machine, under a name that is granted literally', { host: 'rebound.test', port: 7 }, denied],
    ['a name that leads nowhere', { host: 'none.example', port: 7 }, unreachable]
  ])('do not go to %s', async (_, to, status) => {
    const net = network({
      'other.test': ['8.8.8.8'],
      'mail.example': ['8.8.8.8'],
      'here.example': ['127.0.0.1'],
      'rebound.test': ['127.0.0.1']
    })
    const granted = [
      sockets('net', 'tcp-connect', '*.example'),
      sockets('one', 'tcp-connect', 'rebound.test'),
      sockets('in', 'tcp-listen', '*')
    ]
    const host = await openHost({ sockets: net.port, granted })
    expect((await host.call('sockets.tcp-connect', { remote: to, timeout: 1000 })).status).toBe(status)
    expect(net.acts).toEqual([])
  })

  test('go to a private address that is granted, in either spelling of IPv6', async () => {
    const net = network()
    const granted = [sockets('six', 'tcp-connect', '[::1]'), sockets('four', 'tcp-connect', '10.0.0.1')]
    const host = await openHost({ sockets: net.port, granted })
    for (const name of ['::1', '[::1]', '10.0.0.1']) {
      const call = { remote: { host: name, port: 7 }, timeout: 1000 }
      expect((await host.call('sockets.tcp-connect', call)).status).toBe(0)
    }
    expect(net.acts).toEqual(['connect ::1 7', 'connect ::1 7', 'connect 10.0.0.1 7'])
  })

  test('are closed when the grant is taken back, also to who waits for bytes', async () => {
    const net = network({ 'mail.example': ['8.8.8.8'] })
    const host = await openHost({ sockets: net.port, granted: [sockets('net', 'tcp-connect', '*')] })
    const socket = (await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).reply ?? 0
    const waiting = host.call('sockets.receive', { socket, length: 100, wait: 1000 })
    await turn()
    host.app.setGrants([])
    expect(net.acts.at(-1)).toBe('close')
    net.arrive(text('too late'))
    expect((await waiting).status).toBe(denied)
    expect((await host.call('sockets.send', { socket, content: text('x') })).status).toBe(closed)
    expect(net.acts.filter((act) => act === 'close')).toHaveLength(1)
    expect(host.lines.at(-1)).toMatchObject({ source: 'host', message: expect.stringContaining('denied') })
  })

  test('stay when another grant still covers them', async () => {
    const net = network({ 'mail.example': ['8.8.8.8'] })
    const kept = sockets('kept', 'tcp-connect', 'mail.example')
    const host = await openHost({ sockets: net.port, granted: [kept, sockets('net', 'tcp-connect', '*')] })
    const socket = (await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).reply ?? 0
    host.app.setGrants([kept])
    expect((await host.call('sockets.send', { socket, content: text('x') })).status).toBe(0)
  })

  test('are few, end with the process, and are not given to one that has ended', async () => {
    const net = network({ 'mail.example': ['8.8.8.8'] })
    const granted = [sockets('net', 'tcp-connect', '*')]
    const host = await openHost({ sockets: net.port, granted, limits: { sockets: 1 } })
    expect((await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).status).toBe(0)
    expect((await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).status).toBe(budget)
    host.crash()
    expect(net.acts).toEqual(['connect 8.8.8.8 7', 'close'])
    const late = host.call('sockets.tcp-connect', { remote, timeout: 1000 })
    host.crash()
    expect((await late).status).toBe(closed)
    expect(net.acts.at(-1)).toBe('close')
  })

  test('say once that there is something to read, when they are asked to', async () => {
    const net = network({ 'mail.example': ['8.8.8.8'] })
    const host = await openHost({ sockets: net.port, granted: [sockets('net', 'tcp-connect', '*')] })
    const socket = (await host.call('sockets.tcp-connect', { remote, timeout: 1000 })).reply ?? 0
    const told = (): number => host.events.filter(({ event }) => event === 'socket').length
    net.tell('readable')
    await turn()
    expect(told()).toBe(0)
    await host.call('sockets.notify', { socket, wanted: true })
    net.tell('readable')
    net.tell('readable')
    await expect.poll(told).toBe(1)
  })
})

describe('TCP listeners', () => {
  const local = { host: '127.0.0.1', port: 7 }

  test('take connections on a granted address', async () => {
    const net = network()
    const host = await openHost({ sockets: net.port, granted: [sockets('in', 'tcp-listen', '127.0.0.1')] })
    const listener = (await host.call('sockets.tcp-listen', { local })).reply ?? 0
    net.arrive(await net.port.connect('8.8.8.8', 9, AbortSignal.timeout(1000)))
    const taken = (await host.call('sockets.accept', { listener, wait: 1000 })).reply
    expect(taken?.peer).toEqual({ host: '8.8.8.8', port: 9 })
    const answer = { socket: taken?.socket ?? 0, content: text('hello') }
    expect((await host.call('sockets.send', answer)).status).toBe(0)
    expect((await host.call('sockets.send', { ...answer, socket: listener })).status).toBe(invalid)
    expect((await host.call('sockets.accept', { listener: answer.socket, wait: 0 })).status).toBe(invalid)
  })

  test.each<[string, Host.Endpoint]>([
    ['another address', { host: '0.0.0.0', port: 7 }],
    ['another port', { host: '127.0.0.1', port: 8 }]
  ])('are refused on %s', async (_, elsewhere) => {
    const net = network()
    const granted = [sockets('in', 'tcp-listen', '127.0.0.1'), sockets('out', 'tcp-connect', '*', 1, 9)]
    const host = await openHost({ sockets: net.port, granted })
    expect((await host.call('sockets.tcp-listen', { local: elsewhere })).status).toBe(denied)
    expect(net.acts).toEqual([])
  })

  test('are closed when the grant is taken back, and who came meanwhile is let go', async () => {
    const net = network()
    const host = await openHost({ sockets: net.port, granted: [sockets('in', 'tcp-listen', '127.0.0.1')] })
    const listener = (await host.call('sockets.tcp-listen', { local })).reply ?? 0
    const waiting = host.call('sockets.accept', { listener, wait: 1000 })
    await turn()
    host.app.setGrants([])
    expect(net.acts).toEqual(['listen 127.0.0.1 7', 'close'])
    net.arrive(await net.port.connect('8.8.8.8', 9, AbortSignal.timeout(1000)))
    expect((await waiting).status).toBe(denied)
    expect(net.acts.filter((act) => act === 'close')).toHaveLength(2)
  })
})

describe('UDP', () => {
  const local = { host: '0.0.0.0', port: 0 }
  const content = text('?')

  test('goes to granted peers, and what others send is dropped', async () => {
    const net = network({ 'dns.example': ['8.8.8.8'] })
    const host = await openHost({ sockets: net.port, granted: [sockets('net', 'udp', 'dns.example')] })
    const socket = (await host.call('sockets.udp-bind', { local })).reply ?? 0
    const peer = { host: 'dns.example', port: 7 }
    const stranger = { peer: { host: '9.9.9.9', port: 7 }, content: text('forged') }
    const early = { peer: { host: '8.8.8.8', port: 7 }, content: text('before it was asked') }
    net.arrive(early)
    net.arrive(stranger)
    const waiting = host.call('sockets.udp-receive', { socket, wait: 1000 })
    await turn()
    expect((await host.call('sockets.udp-send', { socket, datagram: { peer, content } })).status).toBe(0)
    expect(net.acts.at(-1)).toBe('send 8.8.8.8 7')
    net.arrive({ peer: { host: '8.8.8.8', port: 8 }, content: text('another port') })
    net.arrive({ peer: { host: '8.8.8.8', port: 7 }, content: text('answer') })
    expect((await waiting).reply?.content).toEqual(text('answer'))
    const elsewhere = { peer: { host: '9.9.9.9', port: 7 }, content }
    expect((await host.call('sockets.udp-send', { socket, datagram: elsewhere })).status).toBe(denied)
  })

  test('reaches private addresses only where they are granted', async () => {
    const net = network({ 'in.example': ['192.168.1.1'] })
    const granted = [sockets('all', 'udp', '*'), sockets('one', 'udp', '[fd00::1]')]
    const host = await openHost({ sockets: net.port, granted })
    const socket = (await host.call('sockets.udp-bind', { local })).reply ?? 0
    const send = async (name: string): Promise<number> => {
      const datagram = { peer: { host: name, port: 7 }, content }
      return (await host.call('sockets.udp-send', { socket, datagram })).status
    }
    expect(await send('in.example')).toBe(denied)
    expect(await send('127.0.0.1')).toBe(denied)
    expect(await send('fd00::1')).toBe(0)
    net.arrive({ peer: { host: '10.0.0.1', port: 7 }, content })
    net.arrive({ peer: { host: 'fd00::1', port: 7 }, content })
    const got = await host.call('sockets.udp-receive', { socket, wait: 1000 })
    expect(got.reply?.peer.host).toBe('fd00::1')
  })

  test('is not bound without a grant for UDP, and closed when the last one is taken back', async () => {
    const net = network()
    const other = sockets('out', 'tcp-connect', '*')
    const host = await openHost({ sockets: net.port, granted: [other] })
    expect((await host.call('sockets.udp-bind', { local })).status).toBe(denied)
    host.app.setGrants([other, sockets('net', 'udp', '8.8.8.8')])
    const socket = (await host.call('sockets.udp-bind', { local })).reply ?? 0
    const waiting = host.call('sockets.udp-receive', { socket, wait: 1000 })
    await turn()
    host.app.setGrants([other])
    expect(net.acts).toEqual(['bind 0.0.0.0 0', 'close'])
    net.arrive({ peer: { host: '8.8.8.8', port: 7 }, content })
    expect((await waiting).status).toBe(denied)
  })
})
