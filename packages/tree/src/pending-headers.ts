/**
 * Headers that are stored although no prev of theirs leads to what is held (`pending`, B.8.6). Counted by the peer that sent
 * them, bounded like parked records: beyond the bounds a header waits in memory for what it lacks instead of on the disk.
 * The count is of this run of the program.
 */
import { idKey } from './id-key.ts'
import { pendingBytesMax, pendingBytesPerPeerMax, pendingHeadersPerPeerMax } from './limits.ts'
import type { HeaderRecord, Id } from './records.ts'

interface PendingHeader {
  readonly id: Id
  readonly peer: string
  readonly bytes: number
}

interface PeerCount {
  headers: number
  bytes: number
}

export class PendingHeaders {
  /** The missing header at the bottom, by pending header. */
  readonly #gaps: Map<string, Id> = new Map()
  /** What waits above a missing header. */
  readonly #above: Map<string, PendingHeader[]> = new Map()
  readonly #peers: Map<string, PeerCount> = new Map()
  #bytes = 0

  /** The missing record below a header of which no prev leads anywhere; undefined when one does, or it has none. */
  gapBelow(header: HeaderRecord, isHeld: (id: Id) => boolean): Id | undefined {
    let gap: Id | undefined
    for (const prev of header.body.prev) {
      const below = this.#gaps.get(idKey(prev))
      if (below === undefined && isHeld(prev)) return undefined
      gap ??= below ?? prev
    }
    return gap
  }

  hasRoom(peer: string, bytes: number): boolean {
    const count = this.#peers.get(peer)
    if (this.#bytes + bytes > pendingBytesMax) return false
    if (count === undefined) return true
    return count.headers < pendingHeadersPerPeerMax && count.bytes + bytes <= pendingBytesPerPeerMax
  }

  add(header: HeaderRecord, gap: Id, peer: string): void {
    const pending = { id: header.id, peer, bytes: header.bytes.length }
    this.#gaps.set(idKey(header.id), gap)
    const above = this.#above.get(idKey(gap))
    if (above === undefined) this.#above.set(idKey(gap), [pending])
    else above.push(pending)
    this.#count(pending, 1)
  }

  /** A header came: what waited above it waits no longer, or for what that one lacks itself. */
  release(id: Id): void {
    const released = this.#above.get(idKey(id))
    if (released === undefined) return
    this.#above.delete(idKey(id))
    const gap = this.#gaps.get(idKey(id))
    for (const pending of released) {
      if (gap === undefined) {
        this.#gaps.delete(idKey(pending.id))
        this.#count(pending, -1)
      } else this.#gaps.set(idKey(pending.id), gap)
    }
    if (gap !== undefined) this.#above.set(idKey(gap), [...(this.#above.get(idKey(gap)) ?? []), ...released])
  }

  #count({ peer, bytes }: PendingHeader, sign: 1 | -1): void {
    const count = this.#peers.get(peer) ?? { headers: 0, bytes: 0 }
    count.headers += sign
    count.bytes += sign * bytes
    this.#bytes += sign * bytes
    if (count.headers === 0) this.#peers.delete(peer)
    else this.#peers.set(peer, count)
  }
}
