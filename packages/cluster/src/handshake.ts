/**
 * The hello on a connection, from both sides. Who dialled asks first and serves nothing until the answer has proven who
 * answered; who was dialled answers nothing but the hello until it was proven. After it each side knows the principal.
 */
import { equalBytes } from '@blocktree/codec'
import type { Connection, ConnectionHandlers } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { type Hello, type HelloPurpose, encodeHello, openHello } from './hello.ts'
import { helloBytesMax, helloMsMax } from './limits.ts'
import type { Peer } from './peer.ts'
import type { ClusterDeps, LocalNode } from './ports.ts'

export const helloMethod = 'cluster.hello'

export interface HandshakeDeps extends ClusterDeps {
  readonly local: LocalNode
  /** Throws ERR_PEER_REFUSED or ERR_HELLO_PROOF for a peer that is not to be spoken with. */
  readonly check: (hello: Hello, connection: Connection) => void
}

export interface GreetOptions {
  readonly purpose: HelloPurpose
  /** Whom we mean to speak with; anybody who holds the expected transport key when left out. */
  readonly expected?: Id
}

/** The side that dialled. @throws ERR_HELLO_*, ERR_PEER_*; the connection is closed then */
export async function greet(
  deps: HandshakeDeps,
  connection: Connection,
  { purpose, expected }: GreetOptions
): Promise<Peer> {
  try {
    const said = ownHello(deps, expected, purpose)
    const answer = await connection.request(helloMethod, said, { timeoutMs: helloMsMax })
    const peer = meet(deps, connection, answer)
    if (expected !== undefined && !equalBytes(peer.principal, expected))
      throw new ClusterError('ERR_PEER_OTHER', 'another principal answers than the one that was asked for')
    return peer
  } catch (error) {
    await connection.close('the hello failed')
    throw error
  }
}

/**
 * The side that was dialled. Resolves when the peer has said who it is.
 * @param handlersFor what answers from then on
 */
export function beGreeted(
  deps: HandshakeDeps,
  connection: Connection,
  handlersFor: (peer: Peer) => ConnectionHandlers
): Promise<Peer> {
  const met = Promise.withResolvers<Peer>()
  let handlers: ConnectionHandlers | undefined
  let isRefused = false
  const cancelTimer = deps.timers.start(helloMsMax, () =>
    fail('no hello came', new ClusterError('ERR_HELLO_PROOF', 'no hello came in time'))
  )

  function fail(reason: string, cause: unknown): void {
    cancelTimer()
    met.reject(cause)
    void connection.close(reason)
  }

  function answerHello(body: Uint8Array): Uint8Array {
    // one is looked at: each costs several signatures, and many may stand in one piece of the stream
    if (isRefused) throw new ClusterError('ERR_METHOD_FORBIDDEN', 'a hello was refused already')
    try {
      const peer = meet(deps, connection, body)
      cancelTimer()
      handlers = handlersFor(peer)
      met.resolve(peer)
      return ownHello(deps, peer.principal, peer.hello.purpose)
    } catch (error) {
      isRefused = true
      deps.timers.start(0, () => fail('the hello failed', error)) // the refusal goes first
      throw error
    }
  }

  void connection.closed.then((reason) =>
    fail(reason, new ClusterError('ERR_PEER_CLOSED', `the connection ended before the hello: ${reason}`))
  )
  connection.serve({
    async request(method, body, context) {
      if (handlers !== undefined) return await handlers.request(method, body, context)
      if (method !== helloMethod) throw new ClusterError('ERR_METHOD_FORBIDDEN', 'say hello first')
      return answerHello(body)
    },
    event(name, body) {
      handlers?.event(name, body, connection)
    },
    stream(method, head, context) {
      if (handlers === undefined) throw new ClusterError('ERR_METHOD_FORBIDDEN', 'say hello first')
      return handlers.stream(method, head, context)
    }
  })
  return met.promise
}

function ownHello({ local, timers }: HandshakeDeps, peer: Id | undefined, purpose: HelloPurpose): Uint8Array {
  return encodeHello({
    principal: local.principal.record,
    endpoint: local.endpoint(),
    trees: local.treesFor(peer),
    features: local.features,
    clockMs: timers.now(),
    purpose
  })
}

function meet(deps: HandshakeDeps, connection: Connection, bytes: Uint8Array): Peer {
  const nowMs = deps.timers.now()
  if (bytes.length > helloBytesMax) throw new ClusterError('ERR_HELLO_FORMAT', 'the hello is too long')
  const hello = openHello(deps.crypto, bytes, { remoteKey: connection.remoteKey, nowMs })
  deps.check(hello, connection)
  const { signer: principal } = hello.principal
  return { principal, connection, hello, connectedMs: nowMs, clockOffsetMs: hello.clockMs - nowMs }
}
