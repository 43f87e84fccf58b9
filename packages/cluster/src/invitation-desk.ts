/**
 * The inviting side of joining: makes codes, checks who uses them, asks the owner, hands out what lets the new node in.
 * A code is bound to the first principal that proves it, on disk, before anything is answered: a crash does not make it
 * usable twice. All refusals sound alike.
 */
import { equalBytes } from '@blocktree/codec'
import { type RequestContext, TokenBucket, type TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { type Invitation, type InvitationTerms, decodeInvitation, encodeInvitation } from './invitation.ts'
import {
  invitationFailuresMax,
  invitationMsDefault,
  invitationMsMax,
  invitationsMax,
  joinAnswerBytesMax,
  joinBytesMax,
  joinWaitMs,
  joinsPerMinuteMax
} from './limits.ts'
import {
  type Channel,
  type JoinRequest,
  type JoinState,
  invitationId,
  isJoinRequestProven,
  joinState,
  openJoinRequest,
  sealJoinAnswer
} from './join-message.ts'
import type { Peer } from './peer.ts'
import type { ClusterDeps } from './ports.ts'
import type { RequestRouter } from './request-router.ts'

export const joinMethod = 'cluster.join'
export const joinRecordsMethod = 'cluster.join.records'

/** Where invitations are kept. */
export interface InvitationStore {
  load(): Promise<readonly Uint8Array[]>
  /** undefined removes it; resolves when that is durable. */
  save(id: Uint8Array, value: Uint8Array | undefined): Promise<void>
}

/** A new node that proved its code and waits for the owner. */
export interface Candidate {
  readonly principal: Id
  /** The name it gives itself: text of a stranger. */
  readonly claimedName: string
  readonly line: string
  readonly invitation: Invitation
}

export interface InvitationDeskDeps extends ClusterDeps {
  /** The transport key of this node. */
  readonly localKey: () => TransportKey
  /** The tree of this node, and its principal. */
  readonly tree: Id
  readonly principal: Id
  readonly store: InvitationStore
  /** Checks that the line is a request of this principal. Throws otherwise. */
  readonly checkLine: (line: string, principal: Id) => void
  /** Signs what lets the candidate in, stores it, and returns what the candidate needs (opaque here). */
  readonly admit: (candidate: Candidate) => Promise<Uint8Array>
  /** Somebody waits for the owner. */
  readonly onCandidate?: (candidate: Candidate) => void
}

interface Waiting {
  readonly candidate: Candidate
  readonly listeners: Set<() => void>
  records: Uint8Array | undefined
}

export async function openInvitationDesk(deps: InvitationDeskDeps): Promise<InvitationDesk> {
  const desk = new InvitationDesk(deps)
  for (const value of await deps.store.load()) desk.restore(value)
  return desk
}

export class InvitationDesk {
  readonly #deps: InvitationDeskDeps
  readonly #invitations = new Map<string, Invitation>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #rate: TokenBucket
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(deps: InvitationDeskDeps) {
    this.#deps = deps
    this.#rate = new TokenBucket(joinsPerMinuteMax / 60, joinsPerMinuteMax, deps.timers.now())
  }

  restore(value: Uint8Array): void {
    const invitation = decodeInvitation(value)
    this.#invitations.set(invitation.id.toHex(), invitation)
  }

  /** Answers new nodes. @returns a function that ends it */
  serve(router: RequestRouter): () => void {
    const policy = { audience: 'stranger', bodyBytesMax: joinBytesMax, perSecond: 1, burst: 5 } as const
    const ends = [
      router.onRequest(joinMethod, policy, (peer, body, context) => this.#answer(peer, body, context)),
      router.onStream(joinRecordsMethod, policy, (peer, head) => this.#records(peer, head))
    ]
    return () => ends.forEach((end) => end())
  }

  /** True while a stranger may have something to do here. */
  get isOpen(): boolean {
    return this.list().length > 0
  }

  /** Invitations that have not ended. */
  list(): readonly Invitation[] {
    const now = this.#deps.timers.now()
    return [...this.#invitations.values()].filter(({ expiresMs }) => expiresMs > now)
  }

  /** Those who wait for the owner's word. */
  candidates(): readonly Candidate[] {
    return [...this.#waiting.values()]
      .filter(({ candidate }) => this.#current(candidate)?.decision === undefined)
      .map(({ candidate }) => candidate)
  }

  /** @param lifeMs how long the code can be used. @throws ERR_INVITATION_LIMIT */
  async invite(terms: InvitationTerms, lifeMs: number = invitationMsDefault): Promise<Invitation> {
    const { crypto, timers, store } = this.#deps
    await this.#dropEnded()
    if (this.#invitations.size >= invitationsMax)
      throw new ClusterError('ERR_INVITATION_LIMIT', `${invitationsMax} invitations are open; take one back`)
    const secret = crypto.random.bytes(16)
    const createdMs = timers.now()
    const invitation: Invitation = {
      ...terms,
      id: invitationId(crypto, secret),
      secret,
      createdMs,
      expiresMs: createdMs + Math.min(lifeMs, invitationMsMax),
      failures: 0,
      usedBy: undefined,
      decision: undefined
    }
    await store.save(invitation.id, encodeInvitation(invitation))
    this.#invitations.set(invitation.id.toHex(), invitation)
    return invitation
  }

  /** Takes an invitation back. False when there is none. */
  async cancel(id: Uint8Array): Promise<boolean> {
    const key = id.toHex()
    if (!this.#invitations.delete(key)) return false
    this.#waiting.get(key)?.listeners.forEach((tell) => tell())
    this.#waiting.delete(key)
    await this.#deps.store.save(id, undefined)
    return true
  }

  /** Takes back every invitation that this principal used: a node that was removed does not come in by its old code. */
  async forget(principal: Id): Promise<void> {
    for (const { id, usedBy } of [...this.#invitations.values()])
      if (usedBy !== undefined && equalBytes(usedBy.principal, principal)) await this.cancel(id)
  }

  /** Lets a waiting node in. @throws ERR_JOIN_UNKNOWN, and what `admit` throws */
  async approve(principal: Id): Promise<Candidate> {
    const waiting = this.#waitingOf(principal)
    await this.#inTurn(waiting.candidate.invitation, () => this.#admit(waiting))
    return waiting.candidate
  }

  /** Sends a waiting node away. @throws ERR_JOIN_UNKNOWN */
  async refuse(principal: Id): Promise<Candidate> {
    const waiting = this.#waitingOf(principal)
    await this.#inTurn(waiting.candidate.invitation, () => this.#decide(waiting, 'refused'))
    return waiting.candidate
  }

  #waitingOf(principal: Id): Waiting {
    const found = [...this.#waiting.values()].find(
      ({ candidate }) =>
        equalBytes(candidate.principal, principal) && this.#current(candidate)?.decision === undefined
    )
    if (found === undefined) throw new ClusterError('ERR_JOIN_UNKNOWN', 'no such node waits to join')
    return found
  }

  #current({ invitation }: Candidate): Invitation | undefined {
    return this.#invitations.get(invitation.id.toHex())
  }

  async #answer(peer: Peer, body: Uint8Array, context: RequestContext): Promise<Uint8Array> {
    const request = openJoinRequest(body)
    const channel = this.#channel(peer)
    const known = this.#invitations.get(request.invitation.toHex())
    if (known === undefined) throw refused() // costs a look-up: nobody without a code can use up the rate
    if (!this.#rate.take(1, this.#deps.timers.now()))
      throw new ClusterError('ERR_METHOD_RATE', 'too many nodes want to join just now; try again in a minute')
    const hasAsked = this.#waiting.has(known.id.toHex()) // the first answer comes at once: a person reads it
    const waiting = await this.#inTurn(known, () => this.#use(known.id, peer, request, channel))
    const isOpen = this.#current(waiting.candidate)?.decision === undefined
    if (hasAsked && isOpen) await this.#untilDecided(waiting, context)
    return this.#say(waiting, channel)
  }

  /** Checks the proof and binds the invitation to this principal. */
  async #use(
    id: Uint8Array,
    peer: Peer,
    request: ReturnType<typeof openJoinRequest>,
    channel: Channel
  ): Promise<Waiting> {
    const { crypto, timers } = this.#deps
    const key = id.toHex()
    const one = this.#invitations.get(key)
    if (one === undefined || one.expiresMs <= timers.now() || one.failures >= invitationFailuresMax)
      throw refused()
    if (!isJoinRequestProven(crypto, one.secret, channel, request.proven)) {
      await this.#put({ ...one, failures: one.failures + 1 })
      throw refused()
    }
    const { usedBy } = one
    if (usedBy !== undefined && !equalBytes(usedBy.principal, peer.principal)) throw refused()
    this.#checkLine(request, peer)
    const transportKey = peer.connection.remoteKey
    const bound = usedBy === undefined ? { ...one, usedBy: { principal: peer.principal, transportKey } } : one
    if (usedBy === undefined) await this.#put(bound)
    return await this.#wait(bound, peer, request)
  }

  #checkLine({ line }: JoinRequest, peer: Peer): void {
    try {
      this.#deps.checkLine(line, peer.principal)
    } catch (cause) {
      throw new ClusterError('ERR_METHOD_FORMAT', 'the request for access is not one of this principal', {
        cause
      })
    }
  }

  async #wait(invitation: Invitation, peer: Peer, { line, name }: JoinRequest): Promise<Waiting> {
    const key = invitation.id.toHex()
    const known = this.#waiting.get(key)
    if (known !== undefined) return known
    const candidate: Candidate = { principal: peer.principal, claimedName: name, line, invitation }
    const waiting: Waiting = { candidate, listeners: new Set(), records: undefined }
    this.#waiting.set(key, waiting)
    if (invitation.decision === undefined && invitation.isApproved) await this.#admit(waiting)
    else if (invitation.decision === undefined) this.#deps.onCandidate?.(candidate)
    return waiting
  }

  async #admit(waiting: Waiting): Promise<void> {
    waiting.records = await this.#deps.admit(waiting.candidate)
    await this.#decide(waiting, 'approved')
  }

  async #decide(waiting: Waiting, decision: 'approved' | 'refused'): Promise<void> {
    const one = this.#current(waiting.candidate)
    if (one !== undefined) await this.#put({ ...one, decision })
    for (const tell of waiting.listeners) tell()
  }

  /** Answers in time even when nobody decides: the new node asks again. */
  async #untilDecided({ listeners }: Waiting, { signal }: RequestContext): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#deps.timers.start(joinWaitMs, resolve)
    listeners.add(resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    listeners.delete(resolve)
    cancel()
  }

  #say({ candidate }: Waiting, channel: Channel): Uint8Array {
    const one = this.#current(candidate)
    const state: JoinState =
      one === undefined || one.decision === 'refused'
        ? joinState.refused
        : one.decision === 'approved'
          ? joinState.approved
          : joinState.waiting
    const { crypto, tree } = this.#deps
    const reason = state === joinState.refused ? 'the owner said no' : ''
    return sealJoinAnswer(crypto, candidate.invitation.secret, channel, { state, tree, reason })
  }

  /** What lets the new node in, to nobody but the principal that used the invitation. */
  async *#records(peer: Peer, head: Uint8Array): AsyncGenerator<Uint8Array> {
    const key = head.toHex()
    const one = this.#invitations.get(key)
    const waiting = this.#waiting.get(key)
    const isTheirs = one?.usedBy !== undefined && equalBytes(one.usedBy.principal, peer.principal)
    if (one === undefined || waiting === undefined || !isTheirs || one.decision !== 'approved')
      throw refused()
    waiting.records ??= await this.#deps.admit(waiting.candidate) // this node was started again meanwhile
    const { records } = waiting
    if (records.length > joinAnswerBytesMax)
      throw new ClusterError('ERR_METHOD_SIZE', 'what lets the node in is too long for one answer')
    for (let offset = 0; offset < records.length; offset += chunkBytes)
      yield records.subarray(offset, offset + chunkBytes)
  }

  #channel(peer: Peer): Channel {
    return {
      joinerKey: peer.connection.remoteKey,
      inviterKey: this.#deps.localKey(),
      joiner: peer.principal,
      inviter: this.#deps.principal
    }
  }

  async #put(one: Invitation): Promise<void> {
    await this.#deps.store.save(one.id, encodeInvitation(one))
    if (this.#invitations.has(one.id.toHex())) this.#invitations.set(one.id.toHex(), one)
  }

  /** One thing at a time for each invitation. */
  async #inTurn<Result>({ id }: Invitation, act: () => Promise<Result>): Promise<Result> {
    const key = id.toHex()
    const done = (this.#turns.get(key) ?? Promise.resolve()).then(act)
    const turn = done.catch(() => undefined)
    this.#turns.set(key, turn)
    try {
      return await done
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  async #dropEnded(): Promise<void> {
    const now = this.#deps.timers.now()
    for (const { id, expiresMs } of [...this.#invitations.values()])
      if (expiresMs <= now) await this.cancel(id)
  }
}

const chunkBytes: number = 256 * 1024

function refused(): ClusterError {
  return new ClusterError('ERR_INVITATION_REFUSED', 'this invitation cannot be used; ask for a new one')
}
