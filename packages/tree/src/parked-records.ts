/**
 * Records from peers that wait for something they name. Bounded per peer and in all, the oldest go first (B.13);
 * never stored: a peer that is honest offers them again.
 */
import type { Admission } from './tree-state.ts'
import { IdLists } from './id-key.ts'
import { parkedBytesMax, parkedBytesPerPeerMax, parkedRecordsPerPeerMax } from './limits.ts'
import type { Id } from './records.ts'

export interface ParkedRecord {
  readonly bytes: Uint8Array
  readonly inline: Uint8Array | undefined
  readonly admission: Admission
  readonly missing: Id
}

interface PeerCount {
  records: number
  bytes: number
}

export class ParkedRecords {
  readonly #waiting: IdLists<ParkedRecord> = new IdLists()
  /** In order of arrival. */
  readonly #all: Set<ParkedRecord> = new Set()
  readonly #peers: Map<string, PeerCount> = new Map()
  #bytes = 0

  get count(): number {
    return this.#all.size
  }

  add(record: ParkedRecord): void {
    this.#all.add(record)
    this.#waiting.add(record.missing, record)
    const peer = this.#change(record, 1)
    while (peer.records > parkedRecordsPerPeerMax || peer.bytes > parkedBytesPerPeerMax) {
      this.#dropOldest((other) => other.admission.peer === record.admission.peer)
    }
    while (this.#bytes > parkedBytesMax) this.#dropOldest(() => true)
  }

  /** Takes out what waited for this id. */
  take(id: Id): readonly ParkedRecord[] {
    const records = this.#waiting.get(id)
    for (const record of records) this.#remove(record)
    return records
  }

  #dropOldest(matches: (record: ParkedRecord) => boolean): void {
    for (const record of this.#all) {
      if (matches(record)) return this.#remove(record)
    }
  }

  #remove(record: ParkedRecord): void {
    this.#all.delete(record)
    this.#waiting.remove(record.missing, record)
    this.#change(record, -1)
  }

  #change(record: ParkedRecord, sign: 1 | -1): PeerCount {
    const size = record.bytes.length + (record.inline?.length ?? 0)
    const peer = this.#peers.get(record.admission.peer) ?? { records: 0, bytes: 0 }
    peer.records += sign
    peer.bytes += sign * size
    this.#bytes += sign * size
    if (peer.records > 0) this.#peers.set(record.admission.peer, peer)
    else this.#peers.delete(record.admission.peer)
    return peer
  }
}
