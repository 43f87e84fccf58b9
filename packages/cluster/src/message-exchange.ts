/**
 * Messages between nodes and between their apps: sent to a principal, or to whichever node serves a path. Delivered at
 * most once; the sender learns whether it was taken. A reply is a message of its own, so that it may take its time.
 */
import { RemoteError, TokenBucket } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { ClusterError, type ClusterErrorCode } from './cluster-error.ts'
import { idKey } from './id-key.ts'
import { messageBytesPerSecond, messagesPerSecond, repliesAwaitedMax } from './limits.ts'
import { type NodeMessage, decodeMessage, encodeMessage } from './message.ts'
import type { PeerDirectory } from './peer-directory.ts'
import type { Peer } from './peer.ts'
import type { StandingSource, Timers } from './ports.ts'
import type { RequestRouter } from './request-router.ts'

export const messageMethod = 'cluster.message'

/** A message as the receiving side sees it. */
export interface ReceivedMessage extends NodeMessage {
  /** The sending node, proven. */
  readonly from: Id
  /** Sends the reply; at most once, within the time that the sender named. Undefined when none is awaited. */
  readonly reply: ((content: Uint8Array) => Promise<void>) | undefined
}

/** Resolves when it was taken. Throws ClusterError with ERR_MESSAGE_UNHEARD, _UNREACHABLE, _DENIED or _BUSY otherwise. */
export type MessageTaker = (message: ReceivedMessage) => Promise<void>

export interface OutgoingMessage {
  readonly tree: Id
  readonly fromApp?: string | undefined
  readonly toApp?: string | undefined
  readonly topic: string
  readonly content: Uint8Array
  readonly number?: number | undefined
  readonly replyWithinMs?: number | undefined
  readonly inReplyTo?: number | undefined
}

export interface MessageExchangeDeps {
  readonly timers: Timers
  readonly standing: StandingSource
  readonly directory: Pick<PeerDirectory, 'connect' | 'find'>
  /** This node: what is sent to it goes over no network. */
  readonly self: () => Id
  /** The peers that serve what a path names, best first. */
  readonly principalsFor: (path: string) => readonly Id[]
}

/** A principal, or a path in the own tree. */
export type Recipient = Id | string

interface Awaited {
  readonly principal: Id
  readonly take: (content: Uint8Array) => void
  readonly cancel: () => void
}

export class MessageExchange {
  readonly #deps: MessageExchangeDeps
  readonly #topics = new Map<string, MessageTaker>()
  readonly #awaited = new Map<number, Awaited>()
  readonly #ofPeer = new Map<string, { readonly count: TokenBucket; readonly bytes: TokenBucket }>()
  readonly #ofTree = new Map<string, TokenBucket>()
  #takeForApps: MessageTaker | undefined
  #takeOther: MessageTaker | undefined
  #number = 0

  constructor(deps: MessageExchangeDeps) {
    this.#deps = deps
  }

  /** Answers peers. @returns a function that ends it */
  serve(router: RequestRouter): () => void {
    return router.onRequest(messageMethod, { audience: 'peer', bodyBytesMax: 1024 * 1024 }, (peer, body) =>
      this.#receive(peer, body)
    )
  }

  /** Who takes messages to apps. */
  setAppTaker(taker: MessageTaker | undefined): void {
    this.#takeForApps = taker
  }

  /** Who takes messages to the node itself on all other topics. */
  setTopicTaker(taker: MessageTaker | undefined): void {
    this.#takeOther = taker
  }

  /** Who takes messages to the node itself, by topic. @returns a function that ends it */
  onTopic(topic: string, taker: MessageTaker): () => void {
    this.#topics.set(topic, taker)
    return () => {
      if (this.#topics.get(topic) === taker) this.#topics.delete(topic)
    }
  }

  /** Resolves, with the node that took it, when it was delivered. @throws ERR_MESSAGE_* */
  async send(to: Recipient, message: OutgoingMessage): Promise<Id> {
    const full: NodeMessage = {
      tree: message.tree,
      fromApp: message.fromApp,
      toApp: message.toApp,
      topic: message.topic,
      content: message.content,
      number: message.number ?? ++this.#number,
      replyWithinMs: message.replyWithinMs,
      inReplyTo: message.inReplyTo
    }
    return await this.#tryEach(to, (principal) => this.#deliver(principal, full))
  }

  /** One after another, as long as it is sure that none has it. */
  async #tryEach(to: Recipient, deliver: (principal: Id) => Promise<void>): Promise<Id> {
    const recipients = typeof to === 'string' ? this.#deps.principalsFor(to) : [to]
    let failure = new ClusterError('ERR_MESSAGE_UNREACHABLE', 'no node serves that path')
    for (const principal of recipients) {
      try {
        await deliver(principal)
        return principal
      } catch (error) {
        const found = messageError(error)
        if (!untaken.has(found.code)) throw found // it may have arrived: not to another one too
        if (failure.code !== 'ERR_MESSAGE_UNHEARD') failure = found // who was reached says more than who was not
      }
    }
    throw failure
  }

  /** Sends, and resolves with the reply. @throws ERR_MESSAGE_*, ERR_MESSAGE_TIMEOUT */
  async request(
    to: Recipient,
    message: OutgoingMessage & { readonly replyWithinMs: number }
  ): Promise<{ readonly from: Id; readonly content: Uint8Array }> {
    if (this.#awaited.size >= repliesAwaitedMax)
      throw new ClusterError('ERR_MESSAGE_BUSY', `${repliesAwaitedMax} replies are awaited already`)
    const number = ++this.#number
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const cancel = this.#deps.timers.start(message.replyWithinMs, () =>
      reject(new ClusterError('ERR_MESSAGE_TIMEOUT', `no reply came within ${message.replyWithinMs} ms`))
    )
    promise.catch(() => undefined)
    try {
      const from = await this.#tryEach(to, async (principal) => {
        this.#awaited.set(number, { principal, take: resolve, cancel })
        await this.send(principal, { ...message, number })
      })
      return { from, content: await promise }
    } finally {
      cancel()
      this.#awaited.delete(number)
    }
  }

  async #deliver(principal: Id, message: NodeMessage): Promise<void> {
    const body = encodeMessage(message)
    if (idKey(principal) === idKey(this.#deps.self())) return await this.#take(principal, message)
    const { connection } = await this.#deps.directory.connect(principal)
    await connection.request(messageMethod, body)
  }

  async #receive(peer: Peer, body: Uint8Array): Promise<Uint8Array> {
    const message = decodeMessage(body)
    this.#expectRight(peer, message)
    this.#expectRate(peer, message)
    await this.#take(peer.principal, message)
    return nothing
  }

  /** Its sender may send it. */
  async #take(from: Id, message: NodeMessage): Promise<void> {
    const { inReplyTo, toApp, content } = message
    const awaited = inReplyTo === undefined ? undefined : this.#awaited.get(inReplyTo)
    if (awaited !== undefined && toApp === undefined && idKey(awaited.principal) === idKey(from))
      return awaited.take(content)
    await this.#takerOf(message)({ ...message, from, reply: this.#replyTo(from, message) })
  }

  #expectRight(peer: Peer, { tree }: NodeMessage): void {
    if (this.#deps.standing.standingIn(tree, peer.principal) !== 'stranger') return
    throw new ClusterError(
      'ERR_MESSAGE_DENIED',
      'the sender has no right in that tree, or it is not kept here'
    )
  }

  #expectRate(peer: Peer, { tree, content }: NodeMessage): void {
    const now = this.#deps.timers.now()
    const ofPeer = getOrMake(this.#ofPeer, idKey(peer.principal), () => ({
      count: new TokenBucket(messagesPerSecond, 2 * messagesPerSecond, now),
      bytes: new TokenBucket(messageBytesPerSecond, 2 * messageBytesPerSecond, now)
    }))
    const ofTree = getOrMake(
      this.#ofTree,
      idKey(tree),
      () => new TokenBucket(5 * messagesPerSecond, 10 * messagesPerSecond, now)
    )
    if (ofPeer.count.take(1, now) && ofPeer.bytes.take(content.length, now) && ofTree.take(1, now)) return
    throw new ClusterError('ERR_MESSAGE_BUSY', 'messages come faster than they are taken here; later')
  }

  #takerOf({ toApp, topic }: NodeMessage): MessageTaker {
    const taker = toApp === undefined ? (this.#topics.get(topic) ?? this.#takeOther) : this.#takeForApps
    if (taker !== undefined) return taker
    throw new ClusterError(
      'ERR_MESSAGE_UNHEARD',
      toApp === undefined ? 'this node takes no messages on that topic' : 'no such app runs there'
    )
  }

  #replyTo(from: Id, message: NodeMessage): ReceivedMessage['reply'] {
    const { replyWithinMs, number, tree, topic, fromApp, toApp } = message
    if (replyWithinMs === undefined) return undefined
    const endMs = this.#deps.timers.now() + replyWithinMs
    let isDone = false
    return async (content) => {
      if (isDone || this.#deps.timers.now() > endMs) return
      isDone = true
      const reply = { tree, topic, content, inReplyTo: number, fromApp: toApp, toApp: fromApp }
      await this.send(from, reply)
    }
  }
}

const nothing = new Uint8Array(0)
const trackedMax = 4096

/** Refusals of a node that surely has not taken it. */
const untaken: ReadonlySet<string> = new Set<ClusterErrorCode>([
  'ERR_MESSAGE_UNREACHABLE',
  'ERR_MESSAGE_UNHEARD'
])

/** The entry least recently used is forgotten when there are too many. */
function getOrMake<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key) ?? make()
  map.delete(key)
  map.set(key, found)
  if (map.size > trackedMax) {
    const [oldest] = map.keys()
    if (oldest !== undefined) map.delete(oldest)
  }
  return found
}

const refusals: ReadonlySet<string> = new Set<ClusterErrorCode>([
  'ERR_MESSAGE_UNREACHABLE',
  'ERR_MESSAGE_UNHEARD',
  'ERR_MESSAGE_DENIED',
  'ERR_MESSAGE_BUSY',
  'ERR_MESSAGE_SIZE',
  'ERR_MESSAGE_FORMAT'
])

function isMessageCode(code: string): code is ClusterErrorCode {
  return refusals.has(code)
}

/** What kept a message from its recipient, in the codes of messages. */
function messageError(error: unknown): ClusterError {
  if (error instanceof ClusterError && isMessageCode(error.code)) return error
  if (error instanceof RemoteError && isMessageCode(error.code))
    return new ClusterError(error.code, error.message, { cause: error })
  if (error instanceof RemoteError && error.code === 'ERR_METHOD_RATE')
    return new ClusterError('ERR_MESSAGE_BUSY', error.message, { cause: error })
  if (error instanceof RemoteError)
    return new ClusterError('ERR_MESSAGE_DENIED', `the node does not take it: ${error.message}`, {
      cause: error
    })
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_NETWORK_TIMEOUT' || code === 'ERR_NETWORK_CLOSED')
    return new ClusterError(
      'ERR_MESSAGE_TIMEOUT',
      'the connection ended before the answer; it may have been taken',
      {
        cause: error
      }
    )
  return new ClusterError('ERR_MESSAGE_UNREACHABLE', 'the node cannot be reached now', { cause: error })
}
