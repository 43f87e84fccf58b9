/**
 * What peers may ask, and who may ask it. The standing of the peer is looked up for every single request: a right that
 * was taken back a moment ago is gone. Handlers check in addition what the request is about.
 */
import { type ConnectionHandlers, type RequestContext, TokenBucket } from '@blocktree/network'
import { ClusterError } from './cluster-error.ts'
import type { Penalty } from './gate.ts'
import { idKey } from './id-key.ts'
import {
  penaltyMax,
  refusalsForgottenPerSecond,
  refusalsPerConnectionMax,
  strangerRefusalCost
} from './limits.ts'
import type { Peer } from './peer.ts'
import type { Standing, StandingSource, Timers } from './ports.ts'

export interface MethodPolicy {
  /** The least standing that may call it. */
  readonly audience: Standing
  /** Longer bodies are refused unread. */
  readonly bodyBytesMax: number
  /** Calls a second of one peer; unlimited when left out. */
  readonly perSecond?: number
  /** Calls that may come at once; `perSecond` when left out. */
  readonly burst?: number
}

export interface RequestRouterDeps {
  readonly standing: StandingSource
  readonly timers: Timers
  /** Points of wrong-doing (see Gate). */
  readonly penalize?: (peer: Peer, penalty: Penalty) => void
}

type RequestHandler = (peer: Peer, body: Uint8Array, context: RequestContext) => Promise<Uint8Array>
type StreamHandler = (peer: Peer, head: Uint8Array, context: RequestContext) => AsyncIterable<Uint8Array>
type EventHandler = (peer: Peer, body: Uint8Array) => void

interface Route<Handler> {
  readonly policy: MethodPolicy
  readonly handler: Handler
  readonly buckets: Map<string, TokenBucket>
}

const order: readonly Standing[] = ['stranger', 'peer', 'member']
const bucketsMax = 4096 // peers counted for one method

export class RequestRouter {
  readonly #deps: RequestRouterDeps
  readonly #requests = new Map<string, Route<RequestHandler>>()
  readonly #streams = new Map<string, Route<StreamHandler>>()
  readonly #events = new Map<string, Route<EventHandler>>()

  constructor(deps: RequestRouterDeps) {
    this.#deps = deps
  }

  /** @returns a function that takes the method away again */
  onRequest(method: string, policy: MethodPolicy, handler: RequestHandler): () => void {
    return add(this.#requests, method, { policy, handler, buckets: new Map() })
  }

  onStream(method: string, policy: MethodPolicy, handler: StreamHandler): () => void {
    return add(this.#streams, method, { policy, handler, buckets: new Map() })
  }

  /** What the policy does not allow is dropped: an event has no answer. */
  onEvent(name: string, policy: MethodPolicy, handler: EventHandler): () => void {
    return add(this.#events, name, { policy, handler, buckets: new Map() })
  }

  /** What answers on the connection of this peer. */
  handlersFor(peer: Peer): ConnectionHandlers {
    const { timers } = this.#deps
    const left = new TokenBucket(refusalsForgottenPerSecond, refusalsPerConnectionMax - 1, timers.now())
    /** Counts it: who goes on although it is refused again and again costs time and is sent away. */
    const refused = (): void => {
      const isStranger = this.#deps.standing.standingOf(peer.principal) === 'stranger'
      if (left.take(isStranger ? strangerRefusalCost : 1, timers.now())) return
      this.#deps.penalize?.(peer, { points: penaltyMax, wrong: 'ERR_PEER_REFUSALS' })
      void peer.connection.close('too many refused requests')
    }
    const check = <Handler>(
      routes: Map<string, Route<Handler>>,
      method: string,
      body: Uint8Array
    ): Handler => {
      const outcome = this.#check(routes, peer, method, body)
      if (outcome instanceof ClusterError) throw outcome
      return outcome
    }
    return {
      request: async (method, body, context) => {
        try {
          return await check(this.#requests, method, body)(peer, body, context)
        } catch (error) {
          if (isRefusal(error)) refused()
          throw error
        }
      },
      event: (name, body) => {
        const handler = this.#check(this.#events, peer, name, body)
        if (handler instanceof ClusterError) refused()
        else handler(peer, body)
      },
      stream: (method, head, context) =>
        this.#guarded(method, peer, () => check(this.#streams, method, head)(peer, head, context), refused)
    }
  }

  #check<Handler>(
    routes: Map<string, Route<Handler>>,
    peer: Peer,
    method: string,
    body: Uint8Array
  ): Handler | ClusterError {
    const route = routes.get(method)
    if (route === undefined)
      return new ClusterError('ERR_METHOD_UNKNOWN', `there is no method "${method.slice(0, 80)}" here`)
    const { audience, bodyBytesMax } = route.policy
    if (!this.#isAmong(audience, peer)) return forbidden(method, audience)
    if (body.length > bodyBytesMax)
      return new ClusterError('ERR_METHOD_SIZE', `"${method}" takes at most ${bodyBytesMax} bytes`)
    if (!this.#isWithinRate(route, peer))
      return new ClusterError('ERR_METHOD_RATE', `"${method}" is asked too often; later`)
    return route.handler
  }

  /** What `open` throws ends the stream, as what the stream itself throws; so does a right that ends meanwhile. */
  async *#guarded(
    method: string,
    peer: Peer,
    open: () => AsyncIterable<Uint8Array>,
    refused: () => void
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of open()) {
        const { audience } = this.#streams.get(method)?.policy ?? nobody
        if (!this.#isAmong(audience, peer)) throw forbidden(method, audience)
        yield chunk
      }
    } catch (error) {
      if (isRefusal(error)) refused()
      throw error
    }
  }

  #isAmong(audience: Standing, peer: Peer): boolean {
    if (audience === 'stranger') return true
    return order.indexOf(this.#deps.standing.standingOf(peer.principal)) >= order.indexOf(audience)
  }

  #isWithinRate({ policy, buckets }: Route<unknown>, peer: Peer): boolean {
    const { perSecond, burst } = policy
    if (perSecond === undefined) return true
    const key = idKey(peer.principal)
    const now = this.#deps.timers.now()
    const bucket = buckets.get(key) ?? new TokenBucket(perSecond, burst ?? perSecond, now)
    buckets.delete(key) // the one least recently asked comes first
    buckets.set(key, bucket)
    if (buckets.size > bucketsMax) {
      const [oldest] = buckets.keys()
      if (oldest !== undefined) buckets.delete(oldest)
    }
    return bucket.take(1, now)
  }
}

/** An answer that says that the request should not have come, whichever part of the node gave it. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return refusalCode.test(error.code)
}

const refusalCode = /_(?:UNKNOWN|FORBIDDEN|DENIED|REFUSED|MALFORMED|FORMAT|SIZE|RATE|BUSY)$/

const nobody = { audience: 'member' } as const // the method was taken away meanwhile

function forbidden(method: string, audience: Standing): ClusterError {
  return new ClusterError(
    'ERR_METHOD_FORBIDDEN',
    `"${method}" is for ${audience === 'member' ? 'members' : 'peers with a right here'}`
  )
}

function add<Value>(routes: Map<string, Value>, name: string, route: Value): () => void {
  if (routes.has(name)) throw new Error(`the method "${name}" is answered already`)
  routes.set(name, route)
  return () => {
    if (routes.get(name) === route) routes.delete(name)
  }
}
