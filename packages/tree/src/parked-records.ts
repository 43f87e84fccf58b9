/**
 * Records from peers that wait for something they name. Bounded per peer and in all, the oldest go first (B.13);
 * never stored: a peer that is honest offers them again. Each step costs the same however many wait.
 */
import type { Admission } from './tree-state.ts'
import { idKey } from './id-key.ts'
import { parkedBytesMax, parkedBytesPerPeerMax, parkedRecordsPerPeerMax } from './limits.ts'
import type { Id } from './records.ts'

export interface ParkedRecord {
  readonly id: Id
  readonly bytes: Uint8Array
  readonly inline: Uint8Array | undefined
  readonly admission: Admission
  /** undefined for a record of an unknown format: it waits for another version of this program. */
  readonly missing: Id | undefined
}

interface PeerRecords {
  /** By record id and signature, in order of arrival. */
  readonly records: Map<string, ParkedRecord>
  bytes: number
}

const bytesBeside = 256 // what a waiting record takes beside its bytes, about

export class ParkedRecords {
  readonly #waiting: Map<string, Set<ParkedRecord>> = new Map()
  /** In order of arrival. */
  readonly #all: Set<ParkedRecord> = new Set()
  readonly #peers: Map<string, PeerRecords> = new Map()
  #bytes = 0
  #unknownCount = 0

  get count(): number {
    return this.#all.size
  }
  get unknownCount(): number {
    return this.#unknownCount
  }

  /**
   * A record that waits for this peer already is not taken twice; one with another signature waits beside it, as it is
   * not known yet which of the two holds. The bytes are copied.
   */
  add(record: ParkedRecord): void {
    const peer: PeerRecords = this.#peers.get(record.admission.peer) ?? { records: new Map(), bytes: 0 }
    const before = peer.records.get(keyOf(record))
    if (before !== undefined) this.#remove(before)
    // A view would keep the whole message that it came in.
    const kept = { ...record, bytes: record.bytes.slice(), inline: record.inline?.slice() }
    this.#peers.set(record.admission.peer, peer)
    peer.records.set(keyOf(kept), kept)
    this.#all.add(kept)
    this.#wait(kept)
    peer.bytes += sizeOf(kept)
    this.#bytes += sizeOf(kept)
    while (peer.records.size > parkedRecordsPerPeerMax || peer.bytes > parkedBytesPerPeerMax) {
      this.#removeFirst(peer.records.values())
    }
    while (this.#bytes > parkedBytesMax) this.#removeFirst(this.#all.values())
  }

  /** Takes out what waited for this id. */
  take(id: Id): readonly ParkedRecord[] {
    const records = [...(this.#waiting.get(idKey(id)) ?? [])]
    for (const record of records) this.#remove(record)
    return records
  }

  #wait(record: ParkedRecord): void {
    if (record.missing === undefined) {
      this.#unknownCount++
      return
    }
    const waiting = this.#waiting.get(idKey(record.missing))
    if (waiting === undefined) this.#waiting.set(idKey(record.missing), new Set([record]))
    else waiting.add(record)
  }

  #forget(record: ParkedRecord): void {
    if (record.missing === undefined) {
      this.#unknownCount--
      return
    }
    const waiting = this.#waiting.get(idKey(record.missing))
    waiting?.delete(record)
    if (waiting?.size === 0) this.#waiting.delete(idKey(record.missing))
  }

  #removeFirst(records: Iterator<ParkedRecord>): void {
    const oldest = records.next()
    if (oldest.done !== true) this.#remove(oldest.value)
  }

  #remove(record: ParkedRecord): void {
    this.#all.delete(record)
    this.#forget(record)
    this.#bytes -= sizeOf(record)
    const peer = this.#peers.get(record.admission.peer)
    if (peer === undefined) return
    peer.bytes -= sizeOf(record)
    peer.records.delete(keyOf(record))
    if (peer.records.size === 0) this.#peers.delete(record.admission.peer)
  }
}

/** An envelope ends with the 64 bytes of its signature. */
function keyOf({ id, bytes }: ParkedRecord): string {
  return idKey(id) + idKey(bytes.subarray(-64))
}

function sizeOf(record: ParkedRecord): number {
  return record.bytes.length + (record.inline?.length ?? 0) + bytesBeside
}
