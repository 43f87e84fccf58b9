/**
 * sockets.*: TCP and UDP, after wasi:sockets. Each needs an explicit grant for host and port, also after every wait
 * (doc/spec/22-app-host.md, section 7).
 */
import type { Host } from '@blocktree/app-package'
import type { CallContext, HandlerGroup } from '../host-context.ts'
import { HostFailure, fail } from '../host-failure.ts'
import { isSpecialAddress, parseAddress } from '../ip-address.ts'
import { judgedAddresses } from '../outgoing-address.ts'
import type { TcpSocket } from '../ports.ts'
import { type HeldSocket, UdpPeers, closeOnce } from './socket-handles.ts'

export const socketCalls: HandlerGroup<'sockets'> = {
  'sockets.tcp-connect': async ({ remote, timeout }, call) => {
    call.handles.expectRoom('socket')
    const expectGranted = (): unknown => expectUse(call, 'tcp-connect', remote)
    const cover = expectUse(call, 'tcp-connect', remote)
    const addresses = await judgedAddresses(remote.host, cover, (host) =>
      call.sockets.resolve(host, call.signal)
    )
    const socket = await connectFirst(call, addresses, remote.port, Math.min(timeout, call.limits.hostCallMs))
    return addConnection(call, socket, expectGranted)
  },

  'sockets.tcp-listen': async ({ local }, call) => {
    call.handles.expectRoom('socket')
    expectUse(call, 'tcp-listen', local)
    const socket = await call.sockets.listen(unbracketed(local.host), local.port)
    const held: HeldSocket = {
      kind: 'listener',
      socket,
      expectGranted: () => void expectUse(call, 'tcp-listen', local),
      wantsEvents: false,
      release: closeOnce(socket)
    }
    const handle = add(call, held)
    socket.onAcceptable(() => notify(call, handle, held, 'acceptable'))
    return handle
  },

  'sockets.accept': async ({ listener, wait }, call) => {
    const held = granted(call, listener)
    if (held.kind !== 'listener') return fail('invalid', `socket ${listener} does not listen`)
    call.handles.expectRoom('socket')
    const socket = await held.socket.accept(Math.min(wait, call.limits.hostCallMs))
    return { socket: addConnection(call, socket, held.expectGranted), peer: socket.peer }
  },

  'sockets.send': async ({ socket, content }, call) => {
    await connection(call, socket).send(content)
    return undefined
  },

  'sockets.receive': async ({ socket, length, wait }, call) => {
    const most = Math.max(1, Math.min(length, call.limits.payloadBytes))
    const content = await connection(call, socket).receive(most, Math.min(wait, call.limits.hostCallMs))
    granted(call, socket)
    return { content: content ?? new Uint8Array(0), last: content === undefined }
  },

  'sockets.shutdown': async ({ socket, kind }, call) => {
    await connection(call, socket).shutdown(kind)
    return undefined
  },

  'sockets.udp-bind': async ({ local }, call) => {
    call.handles.expectRoom('socket')
    expectAnyUdp(call)
    const socket = await call.sockets.bindUdp(unbracketed(local.host), local.port)
    const held: HeldSocket = {
      kind: 'udp',
      socket,
      peers: new UdpPeers(),
      expectGranted: () => expectAnyUdp(call), // and every packet is judged by its peer
      wantsEvents: false,
      release: closeOnce(socket)
    }
    const handle = add(call, held)
    socket.onReadable(() => notify(call, handle, held, 'readable'))
    return handle
  },

  'sockets.udp-send': async ({ socket, datagram }, call) => {
    const { peer, content } = datagram
    const cover = expectUse(call, 'udp', peer)
    const [address] = await judgedAddresses(peer.host, cover, (host) =>
      call.sockets.resolve(host, call.signal)
    )
    const held = datagrams(call, socket)
    const to = address ?? unbracketed(peer.host)
    held.peers.sent(peer.host, to, peer.port)
    await held.socket.send(to, peer.port, content)
    return undefined
  },

  'sockets.udp-receive': async ({ socket, wait }, call) => {
    const held = datagrams(call, socket)
    const until = call.timers.monotonic() + Math.min(wait, call.limits.hostCallMs)
    for (;;) {
      const datagram = await held.socket.receive(Math.max(0, until - call.timers.monotonic()))
      held.expectGranted()
      if (mayReceive(call, held, datagram.peer)) return datagram // what comes from others is dropped
    }
  },

  'sockets.local-endpoint': ({ socket }, call) => call.handles.get('socket', socket).socket.local,

  'sockets.notify': ({ socket, wanted }, call) => {
    granted(call, socket).wantsEvents = wanted
    return undefined
  },

  'sockets.close': ({ socket }, call) => {
    call.handles.get('socket', socket)
    call.handles.close(socket)
    return undefined
  }
}

function expectUse(
  call: CallContext,
  socket: 'tcp-connect' | 'tcp-listen' | 'udp',
  { host, port }: Host.Endpoint
): 'literal' | 'pattern' {
  const use = { kind: 'sockets', socket, host: bracketed(host), port } as const
  return call.grants.expect(use, `${socket} with ${host} port ${port}`)
}

function expectAnyUdp(call: CallContext): void {
  const isGranted = call.grants.list().some(({ scope }) => scope.kind === 'sockets' && scope.socket === 'udp')
  if (!isGranted) fail('denied', 'no grant covers UDP')
}

/** The address itself is granted, or the name under which the app sent to it and it was judged. */
function mayReceive(call: CallContext, { peers }: HeldUdp, peer: Host.Endpoint): boolean {
  const covers = (host: string): 'literal' | 'pattern' | undefined =>
    call.grants.covers({ kind: 'sockets', socket: 'udp', host: bracketed(host), port: peer.port })
  const name = peers.nameOf(peer)
  if (name !== undefined && covers(name) !== undefined) return true
  const cover = covers(peer.host)
  const address = parseAddress(peer.host)
  return cover === 'literal' || (cover !== undefined && address !== undefined && !isSpecialAddress(address))
}

/** As URLs and grants spell an IPv6 address. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function unbracketed(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

async function connectFirst(
  call: CallContext,
  addresses: readonly string[],
  port: number,
  timeoutMs: number
): Promise<TcpSocket> {
  const ended = new AbortController()
  const cancelTimer = call.timers.start(timeoutMs, () => ended.abort())
  const signal = AbortSignal.any([ended.signal, call.signal])
  try {
    let failure: unknown
    for (const address of addresses) {
      try {
        return await call.sockets.connect(address, port, signal)
      } catch (error) {
        failure = error
        if (signal.aborted)
          throw new HostFailure('timeout', `no connection within ${timeoutMs} ms`, { cause: error })
      }
    }
    throw failure
  } finally {
    cancelTimer()
  }
}

function addConnection(call: CallContext, socket: TcpSocket, expectGranted: () => unknown): number {
  const held: HeldSocket = {
    kind: 'connection',
    socket,
    expectGranted: () => void expectGranted(),
    wantsEvents: false,
    release: closeOnce(socket)
  }
  const handle = add(call, held)
  socket.onReadable((kind) => notify(call, handle, held, kind))
  return handle
}

/** Also the time until it was there is a wait: the grant may be gone, and so may who asked. */
function add(call: CallContext, held: HeldSocket): number {
  try {
    held.expectGranted()
    return call.handles.add('socket', call.process, held)
  } catch (error) {
    held.release()
    throw error
  }
}

function granted(call: CallContext, handle: number): HeldSocket {
  const held = call.handles.get('socket', handle)
  try {
    held.expectGranted()
  } catch (error) {
    call.handles.close(handle)
    throw error
  }
  return held
}

function connection(call: CallContext, handle: number): TcpSocket {
  const held = granted(call, handle)
  return held.kind === 'connection' ? held.socket : fail('invalid', `socket ${handle} is no connection`)
}

type HeldUdp = HeldSocket & { readonly kind: 'udp' }

function datagrams(call: CallContext, handle: number): HeldUdp {
  const held = granted(call, handle)
  return held.kind === 'udp' ? held : fail('invalid', `socket ${handle} is not one of UDP`)
}

function notify(call: CallContext, socket: number, held: HeldSocket, kind: Host.ReadinessKind): void {
  if (!held.wantsEvents) return
  held.wantsEvents = false // once, until it is asked for again: an app that does not read is not flooded
  void call.deliver('socket', { readiness: { socket, kind } }).catch(() => undefined) // it is in the app's log
}
