/**
 * What each peer gave us last (spec 28, section 11). A peer that lacks one of these went back: its disk was restored from a
 * backup or snapshot. It is asked at each comparison, and learns so that it must not write before it has caught up.
 */
import { concatBytes, equalBytes } from '@blocktree/codec'
import { type Id, type TakenRecord, type TreeState, recordType } from '@blocktree/tree'
import { seenIdsMax } from './limits.ts'
import { localKey, localPrefix } from './local-rows.ts'
import type { SyncPorts } from './ports.ts'

const saveAfterMs = 500
const idBytes = 32

export class GivenRecords {
  readonly #ports: SyncPorts
  readonly #peers: Map<string, Id[]> = new Map()
  readonly #unsaved: Set<string> = new Set()
  #cancelSave: (() => void) | undefined

  constructor(ports: SyncPorts) {
    this.#ports = ports
  }

  take(principal: Id, taken: readonly TakenRecord[]): void {
    const headers = taken.filter(({ type }) => type === recordType.header).slice(-seenIdsMax)
    if (headers.length === 0) return
    const name = principal.toHex()
    this.#peers.set(name, this.#latest(principal, [...this.#of(principal), ...headers.map(({ id }) => id)]))
    this.#unsaved.add(name)
    this.#cancelSave ??= this.#ports.pace.after(saveAfterMs, () => void this.save().catch(() => undefined))
  }

  /** What the peer has to hold still: not what lies below a newer version where old ones may be given up. */
  ask(principal: Id): readonly Id[] {
    return this.#of(principal).filter((id) => mustBeHeld(this.#ports.tree, id))
  }

  async save(): Promise<void> {
    this.#cancelSave?.()
    this.#cancelSave = undefined
    const names = [...this.#unsaved]
    this.#unsaved.clear()
    const local = names.map((name) => ({
      key: localKey(localPrefix.given, Uint8Array.fromHex(name)),
      value: concatBytes(...(this.#peers.get(name) ?? []))
    }))
    if (local.length > 0) await this.#ports.store.commit({ local }, { durability: 'none' })
  }

  /** The last ones, half of them of its own: only what it signed itself shows a peer that it went back. */
  #latest(principal: Id, ids: readonly Id[]): Id[] {
    if (ids.length <= seenIdsMax) return [...ids]
    const { tree } = this.#ports
    const isOwn = ids.map((id) => equalBytes(tree.header(id)?.signer ?? new Uint8Array(0), principal))
    let owns = isOwn.filter(Boolean).length
    let excess = ids.length - seenIdsMax
    return ids.filter((_, at) => {
      const isKept = excess === 0 || (isOwn[at] === true && owns <= seenIdsMax / 2)
      if (isKept) return true
      excess--
      if (isOwn[at] === true) owns--
      return false
    })
  }

  #of(principal: Id): readonly Id[] {
    const known = this.#peers.get(principal.toHex())
    if (known !== undefined) return known
    const bytes = this.#ports.store.local.get(localKey(localPrefix.given, principal)) ?? new Uint8Array(0)
    const ids = Array.from({ length: Math.floor(bytes.length / idBytes) }, (_, at) =>
      bytes.slice(at * idBytes, (at + 1) * idBytes)
    )
    this.#peers.set(principal.toHex(), ids)
    return ids
  }
}

/** False for what lies below an entry of the newest base, where there is one: a node may have given that up. */
export function mustBeHeld(tree: TreeState, id: Id): boolean {
  const header = tree.header(id)
  const summary = header === undefined ? undefined : tree.blockSummary(header.body.block)
  if (summary === undefined || hasUnreadCheckpoint(tree, summary.zone)) return false
  const [base] = tree.bases(summary.zone)
  if (base === undefined) return true
  const listed = tree.listedHeads(base.id, summary.block)
  // made after the base, or buried in it: then it has no heads
  if (listed === undefined) return summary.heads.some((head) => equalBytes(head.id, id))
  return isAtOrAbove(tree, id, new Set(listed.map((entry) => entry.id.toHex())))
}

/** One that is not complete here may be complete at the peer, and stand for a newer base. */
function hasUnreadCheckpoint(tree: TreeState, zone: Id): boolean {
  const known = Math.max(-1, ...tree.anchors(zone).map(({ body }) => body.sequence))
  return tree.authority
    .checkpointsOf(zone)
    .some(({ id, body }) => body.sequence > known && !tree.isCompleteCheckpoint(id))
}

function isAtOrAbove(tree: TreeState, from: Id, entries: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  const open = [from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const name = id.toHex()
    if (entries.has(name)) return true
    if (seen.has(name)) continue
    seen.add(name)
    open.push(...(tree.header(id)?.body.prev ?? []))
  }
  return false
}
