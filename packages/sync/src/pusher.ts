/**
 * Telling peers of what was taken (spec 28, section 6). What was written here goes out with its bytes as soon as it is
 * durable, in one message for all that became durable together; what came from another peer is announced by id, a
 * little later, so that a full mesh does not send everything twice.
 */
import { type Id, type TakenRecord, recordType } from '@blocktree/tree'
import { announcedIdsMax, birthsMax, pushBytesMax } from './limits.ts'
import { type PushedRecord, encodeBehind, encodeHave, encodePush } from './messages.ts'
import type { PeerLink } from './peer-link.ts'
import type { SyncPorts } from './ports.ts'
import { inOrder, zonesOf } from './record-order.ts'
import { type PeerRights, ScopeView, scopeKey } from './scope.ts'
import { birthsAround } from './server.ts'

export interface PusherDeps {
  readonly ports: SyncPorts
  readonly treeId: Id
  readonly rights: PeerRights
  readonly links: () => Iterable<PeerLink>
}

const announceMs = 50 // what others announce comes together
const behindMs = 250 // a peer whose queue was full is told to compare after this

interface Announced extends TakenRecord {
  readonly from: PeerLink
}

export class Pusher {
  readonly #deps: PusherDeps
  #fresh: TakenRecord[] = []
  #isFlushing = false
  #announced: Announced[] = []
  #cancelAnnounce: (() => void) | undefined
  readonly #behind: Set<PeerLink> = new Set()
  #cancelBehind: (() => void) | undefined
  #isClosed = false
  #pushed = 0

  constructor(deps: PusherDeps) {
    this.#deps = deps
  }

  /** Records sent, counted once for each peer. */
  get pushed(): number {
    return this.#pushed
  }

  /** Written here; `durable` rejects when it is gone again. */
  written(taken: readonly TakenRecord[], durable: Promise<void>): void {
    durable.then(
      () => {
        this.#fresh.push(...taken)
        if (this.#isFlushing) return
        this.#isFlushing = true
        // All that one sync of the disk made durable settles in this turn.
        queueMicrotask(() => this.#flush())
      },
      () => undefined
    )
  }

  /** Came from a peer. */
  relayed(taken: readonly TakenRecord[], from: PeerLink, durable: Promise<void>): void {
    durable.then(
      () => {
        for (const record of taken) this.#announced.push({ ...record, from })
        this.#cancelAnnounce ??= this.#deps.ports.pace.after(announceMs, () => this.#announce())
      },
      () => undefined
    )
  }

  close(): void {
    this.#isClosed = true
    this.#cancelAnnounce?.()
    this.#cancelBehind?.()
  }

  #flush(): void {
    this.#isFlushing = false
    const taken = this.#fresh
    this.#fresh = []
    if (this.#isClosed || taken.length === 0) return
    const messages = new Map<string, readonly Uint8Array[]>()
    for (const link of this.#deps.links()) {
      const scope = this.#deps.rights.scopeOf(link.principal)
      if (scope.length === 0) continue
      const key = scopeKey(scope)
      const made =
        messages.get(key) ??
        this.#messages(taken, new ScopeView(this.#deps.ports.tree, this.#deps.ports.crypto, scope))
      messages.set(key, made)
      for (const message of made) {
        if (link.connection.notify('sync.push', message)) this.#pushed += taken.length
        else this.#fallBehind(link)
      }
    }
  }

  #messages(taken: readonly TakenRecord[], view: ScopeView): readonly Uint8Array[] {
    const { treeId, ports } = this.#deps
    const messages: Uint8Array[] = []
    const sentBirths = new Set<string>()
    let births: Uint8Array[] = []
    let records: PushedRecord[] = []
    let bytes = 0
    const end = (): void => {
      if (records.length > 0) messages.push(encodePush({ tree: treeId, births, records }))
      births = []
      records = []
      bytes = 0
    }
    for (const { id, zones } of this.#inOrder(taken, view)) {
      const stored = ports.store.readRecord(id)
      if (stored === undefined) continue
      const size = stored.bytes.length + (stored.inline?.length ?? 0)
      const around = zones.flatMap((zone) => birthsAround(ports, zone, sentBirths))
      if (
        bytes + size > pushBytesMax ||
        records.length >= announcedIdsMax ||
        births.length + around.length > birthsMax
      )
        end()
      births.push(...around)
      records.push({ bytes: stored.bytes, inline: stored.inline })
      bytes += size
    }
    end()
    return messages
  }

  /** Headers as they were written, after whatever they rest on. */
  #inOrder(
    taken: readonly TakenRecord[],
    view: ScopeView
  ): readonly { readonly id: Id; readonly zones: readonly Id[] }[] {
    const { tree } = this.#deps.ports
    const headers: { readonly id: Id; readonly zones: readonly Id[] }[] = []
    const others = []
    for (const { id, type, block, zone } of taken) {
      if (type === recordType.header) {
        if (block !== undefined && zone !== undefined && view.hasBlock(block, zone))
          headers.push({ id, zones: [zone] })
        continue
      }
      const record = tree.record(id)
      if (record !== undefined && view.concerns(record)) others.push(record)
    }
    const before = inOrder(tree.authority, others).map((record) => ({
      id: record.id,
      zones: zonesOf(record)
    }))
    return [...before, ...headers]
  }

  #announce(): void {
    this.#cancelAnnounce = undefined
    const announced = this.#announced
    this.#announced = []
    if (this.#isClosed) return
    const { treeId, rights, ports } = this.#deps
    for (const link of this.#deps.links()) {
      const view = new ScopeView(ports.tree, ports.crypto, rights.scopeOf(link.principal))
      if (view.scope.length === 0) continue
      const ids = announced
        .filter(({ from, block, zone, id }) => {
          if (from === link) return false
          if (block !== undefined && zone !== undefined) return view.hasBlock(block, zone)
          const record = view.isWhole ? undefined : ports.tree.record(id)
          return view.isWhole || (record !== undefined && view.concerns(record))
        })
        .map(({ id }) => id)
      for (let at = 0; at < ids.length; at += announcedIdsMax) {
        const message = encodeHave(treeId, ids.slice(at, at + announcedIdsMax))
        if (!link.connection.notify('sync.have', message)) this.#fallBehind(link)
      }
    }
  }

  /** It missed a message: it has to compare. */
  #fallBehind(link: PeerLink): void {
    this.#behind.add(link)
    this.#cancelBehind ??= this.#deps.ports.pace.after(behindMs, () => this.#tellBehind())
  }

  #tellBehind(): void {
    this.#cancelBehind = undefined
    const behind = [...this.#behind]
    this.#behind.clear()
    if (this.#isClosed) return
    for (const link of behind) {
      if (link.ending.signal.aborted) continue
      if (!link.connection.notify('sync.behind', encodeBehind(this.#deps.treeId))) this.#fallBehind(link)
    }
  }
}
