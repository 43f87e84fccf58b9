/** Showing a member the records by which this node has its rights, and taking those of others. */
import { equalBytes } from '@blocktree/codec'
import { introduce, type Introduction, type Peer, type TakeIntroduction } from '@blocktree/cluster'
import type { CryptoProvider } from '@blocktree/crypto'
import { type AnyRecord, capScope, decodeRecord, type Id, recordType, zoneChain } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { NodeStanding } from './node-standing.ts'

const introducible: ReadonlySet<number> = new Set([
  recordType.principal,
  recordType.tree,
  recordType.succession,
  recordType.cap,
  recordType.revocation
])

/** Judges what a peer shows in the tree it is about; after it the peer may have another standing. */
export function createIntroductionTaker(
  deps: { readonly crypto: CryptoProvider; readonly standing: NodeStanding },
  onTaken: () => void
): TakeIntroduction {
  return async (peer, tree, offer) => {
    const held = deps.standing.trees().find(({ id }) => equalBytes(id, tree))
    if (held === undefined) return undefined
    const records = offer.records.filter(({ bytes }) => isIntroducible(deps.crypto, bytes))
    const isHost = deps.standing.of(held).standingOf(peer.principal) === 'member'
    const results = await held.tree.offer(
      { ...offer, records },
      { peer: peer.principal.toHex(), from: isHost ? 'host' : 'writer' }
    )
    onTaken()
    return results
  }
}

function isIntroducible(crypto: CryptoProvider, bytes: Uint8Array): boolean {
  try {
    return introducible.has(decodeRecord(crypto, bytes).type)
  } catch {
    return false
  }
}

/** True when the peer takes this node for a stranger in a tree that it keeps, though we are none: it names none then. */
export function needsIntroduction(peer: Peer, held: HeldTree): boolean {
  return !peer.hello.trees.some(({ tree }) => equalBytes(tree, held.id))
}

/** @returns how many records the peer holds now */
export async function introduceSelf(
  crypto: CryptoProvider,
  held: HeldTree,
  self: Id,
  peer: Peer
): Promise<number> {
  return await introduce(peer, ownRecords(crypto, held, self))
}

const recordsMax = 256

/** The chains of our caps with everything that they rest on, each after it. */
function ownRecords(crypto: CryptoProvider, { id, tree: { authority } }: HeldTree, self: Id): Introduction {
  const records = new Map<string, AnyRecord>()
  const births = new Map<string, Uint8Array>()
  const add = (record: AnyRecord | undefined): void => {
    if (record !== undefined && records.size < recordsMax) records.set(record.id.toHex(), record)
  }
  const addPrincipal = (principal: Id): void => add(authority.principal(principal))
  const addCap = (capId: Id): void => {
    const cap = authority.cap(capId)
    if (cap === undefined || records.has(cap.id.toHex())) return
    if (cap.body.parentCap !== undefined) addCap(cap.body.parentCap)
    for (const zone of zoneChain(authority, capScope(crypto, cap.body)).zones.toReversed()) {
      const birth = authority.zoneBirth(zone)
      if (birth !== undefined) births.set(zone.toHex(), birth.bytes)
    }
    addPrincipal(cap.signer)
    addPrincipal(cap.body.subject)
    add(cap)
  }
  if (authority.tree !== undefined) {
    addPrincipal(authority.tree.signer)
    add(authority.tree)
  }
  for (const succession of authority.successions) {
    addPrincipal(succession.signer)
    addPrincipal(succession.body.newRoot)
    add(succession)
  }
  for (const cap of authority.capsOf(self)) addCap(cap.id)
  return { tree: id, births: [...births.values()], records: [...records.values()].map(({ bytes }) => bytes) }
}
