/**
 * What a new node and the inviting one say to each other (doc/spec/27-cluster.md, section 5). Both prove that they hold
 * the secret of the code by an HMAC over the two transport keys of this very channel, so that nobody in between can pass
 * it on, and over both principals and the message itself.
 */
import { CanonicalReader, CanonicalWriter, CodecError, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { joinBytesMax } from './limits.ts'

const format = 1
const macBytes = 32
export const invitationIdBytes = 8
const nameBytesMax = 64
const lineBytesMax: number = 12 * 1024
const reasonBytesMax = 200

const text = new TextEncoder()
const idDomain: Uint8Array = text.encode('blocktree/invite/id/1\0')
const requestDomain: Uint8Array = text.encode('blocktree/invite/request/1\0')
const answerDomain: Uint8Array = text.encode('blocktree/invite/answer/1\0')

/** Both ends of the channel, as each of them sees it. */
export interface Channel {
  readonly joinerKey: TransportKey
  readonly inviterKey: TransportKey
  readonly joiner: Id
  readonly inviter: Id
}

export interface JoinRequest {
  /** Names the invitation without giving its secret away. */
  readonly invitation: Uint8Array
  /** The signed request for access, as text (doc/spec/14-access-lines.md, section 3). */
  readonly line: string
  /** How the new node calls itself; says nothing about who it is. */
  readonly name: string
}

export const joinState = { waiting: 0, approved: 1, refused: 2 } as const
export type JoinState = (typeof joinState)[keyof typeof joinState]

export interface JoinAnswer {
  readonly state: JoinState
  readonly tree: Id
  /** Why it was refused; empty otherwise. */
  readonly reason: string
}

export function invitationId(crypto: CryptoProvider, secret: Uint8Array): Uint8Array {
  return crypto.hmacSha256(secret, [idDomain]).slice(0, invitationIdBytes)
}

export function sealJoinRequest(
  crypto: CryptoProvider,
  secret: Uint8Array,
  channel: Channel,
  { line, name }: Omit<JoinRequest, 'invitation'>
): Uint8Array {
  const body = new CanonicalWriter(4096).array(4).uint(format).bin(invitationId(crypto, secret))
  return withProof(crypto, secret, requestDomain, channel, body.str(line).str(name).finish())
}

/** A request whose proof is still to be checked with the secret of its invitation. @throws ERR_METHOD_FORMAT */
export function openJoinRequest(bytes: Uint8Array): JoinRequest & { readonly proven: Proven } {
  return strictly('request to join', () => {
    const proven = splitProof(bytes, joinBytesMax)
    const reader = new CanonicalReader(proven.body)
    reader.arrayOf(4)
    reader.uint(format, format)
    const invitation = reader.binExact(invitationIdBytes).slice()
    const line = reader.str(lineBytesMax)
    const name = reader.str(nameBytesMax)
    reader.end()
    return { invitation, line, name, proven }
  })
}

export function isJoinRequestProven(
  crypto: CryptoProvider,
  secret: Uint8Array,
  channel: Channel,
  { body, mac }: Proven
): boolean {
  return equalBytes(proof(crypto, secret, requestDomain, channel, body), mac)
}

export function sealJoinAnswer(
  crypto: CryptoProvider,
  secret: Uint8Array,
  channel: Channel,
  { state, tree, reason }: JoinAnswer
): Uint8Array {
  const body = new CanonicalWriter(256).array(4).uint(format).uint(state).bin(tree).str(reason).finish()
  return withProof(crypto, secret, answerDomain, channel, body)
}

/** @throws ERR_METHOD_FORMAT, ERR_JOIN_PROOF when who answers does not hold the secret */
export function openJoinAnswer(
  crypto: CryptoProvider,
  secret: Uint8Array,
  channel: Channel,
  bytes: Uint8Array
): JoinAnswer {
  return strictly('answer', () => {
    const { body, mac } = splitProof(bytes, 4096)
    if (!equalBytes(proof(crypto, secret, answerDomain, channel, body), mac)) {
      throw new ClusterError(
        'ERR_JOIN_PROOF',
        'who answers does not hold the secret of the code; ask the owner for a new one'
      )
    }
    const reader = new CanonicalReader(body)
    reader.arrayOf(4)
    reader.uint(format, format)
    const code = reader.uint(joinState.refused)
    const tree = reader.binExact(32).slice()
    const reason = reader.str(reasonBytesMax)
    reader.end()
    const state = Object.values(joinState).find((known) => known === code) ?? joinState.waiting
    return { state, tree, reason }
  })
}

/** A message and the proof beside it. */
export interface Proven {
  readonly body: Uint8Array
  readonly mac: Uint8Array
}

function withProof(
  crypto: CryptoProvider,
  secret: Uint8Array,
  domain: Uint8Array,
  channel: Channel,
  body: Uint8Array
): Uint8Array {
  const mac = proof(crypto, secret, domain, channel, body)
  return new CanonicalWriter(body.length + 64).array(2).bin(body).bin(mac).finish()
}

function splitProof(bytes: Uint8Array, bytesMax: number): Proven {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(2)
  const body = reader.bin(bytesMax)
  const mac = reader.binExact(macBytes)
  reader.end()
  return { body, mac }
}

function proof(
  crypto: CryptoProvider,
  secret: Uint8Array,
  domain: Uint8Array,
  { joinerKey, inviterKey, joiner, inviter }: Channel,
  body: Uint8Array
): Uint8Array {
  const key = crypto.hmacSha256(secret, [domain])
  return crypto.hmacSha256(key, [joinerKey, inviterKey, joiner, inviter, crypto.sha256(body)])
}

function strictly<Result>(what: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new ClusterError('ERR_METHOD_FORMAT', `the ${what} is damaged: ${cause.message}`, { cause })
  }
}
