/**
 * The rules applied to a plain set of records, from scratch and without a store: what every order of arrival has to agree
 * with. Records whose dependencies are in the set are accepted whatever their order.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { checkRecord } from '../src/acceptance.ts'
import { anchorsOf } from '../src/anchor.ts'
import { Authority } from '../src/authority.ts'
import { basesOf } from '../src/base.ts'
import { blockId, decodeBirth, homeZone } from '../src/birth.ts'
import { type BlockEvaluation, evaluateBlock } from '../src/block-state.ts'
import { CapChains } from '../src/cap-chain.ts'
import { isManifestOf } from '../src/checkpoint-completion.ts'
import { type ViewedBlock, placeBlocks, type Placement } from '../src/directory-view.ts'
import type { HeldRecords, VersionedHead } from '../src/held-records.ts'
import { IdLists, IdMap, IdSet } from '../src/id-key.ts'
import { ManifestDecoder, type ManifestRow } from '../src/manifest.ts'
import { PayloadReader } from '../src/payload-reader.ts'
import { verifyRecordSignature } from '../src/record.ts'
import type { AnyRecord, CheckpointRecord, HeaderRecord, Id, ReceiptRecord } from '../src/records.ts'
import { recordType } from '../src/records.ts'
import { HeadsRootBuilder } from '../src/trie.ts'

export class RecordSet implements HeldRecords {
  readonly authority: Authority = new Authority()
  readonly chains: CapChains
  readonly blocks: IdMap<Id> = new IdMap()
  readonly #crypto: CryptoProvider
  readonly #headers: IdMap<HeaderRecord> = new IdMap()
  readonly #byBlock: IdLists<HeaderRecord> = new IdLists()
  readonly #receipts: IdLists<ReceiptRecord> = new IdLists()
  readonly #manifests: IdMap<readonly ManifestRow[]> = new IdMap()
  readonly #complete: IdSet = new IdSet()

  constructor(
    crypto: CryptoProvider,
    records: readonly AnyRecord[],
    readSector: (id: Id) => Uint8Array | undefined
  ) {
    this.#crypto = crypto
    this.chains = new CapChains(this.authority, crypto)
    for (let rest = records, before = -1; rest.length !== before;) {
      before = rest.length
      rest = rest.filter((record) => !this.#accept(record))
    }
    const checkpoints = [...this.authority.records()].filter(
      (record) => record.type === recordType.checkpoint
    )
    for (const checkpoint of checkpoints) this.#readManifest(checkpoint, readSector)
    for (const checkpoint of checkpoints.toSorted((a, b) => a.body.sequence - b.body.sequence)) {
      if (this.#isCompleteNow(checkpoint)) this.#complete.add(checkpoint.id)
    }
  }

  header(id: Id): HeaderRecord | undefined {
    return this.#headers.get(id)
  }
  headersOf(block: Id): readonly HeaderRecord[] {
    return this.#byBlock.get(block)
  }
  receiptsOver(id: Id): readonly ReceiptRecord[] {
    return this.#receipts.get(id)
  }
  manifestRow(checkpoint: Id, block: Id): readonly VersionedHead[] | undefined {
    const heads = this.#rowOf(checkpoint, block)?.heads ?? []
    return heads.length === 0 ? undefined : heads
  }
  isComplete(checkpoint: Id): boolean {
    return this.#complete.has(checkpoint)
  }
  anchors(zone: Id): readonly CheckpointRecord[] {
    return anchorsOf(this, this.chains, zone)
  }
  bases(zone: Id): readonly CheckpointRecord[] {
    return basesOf(this, zone)
  }
  isGrave(checkpoint: Id, block: Id): boolean {
    return this.#rowOf(checkpoint, block)?.heads.length === 0
  }
  #rowOf(checkpoint: Id, block: Id): ManifestRow | undefined {
    return this.#manifests.get(checkpoint)?.find((row) => equalBytes(row.block, block))
  }

  evaluate(block: Id): BlockEvaluation | undefined {
    return evaluateBlock(this, this.chains, block)
  }

  /** The view of all zones. */
  view(): IdMap<Placement> {
    const viewed: ViewedBlock[] = []
    for (const block of this.blocks.values()) {
      const winner = this.evaluate(block)?.winner
      if (winner === undefined) continue
      const { birth, parent, state } = winner.body
      viewed.push({
        block,
        zone: homeZone(birth, block),
        kind: birth.kind,
        zoneRoot: birth.zoneRoot,
        parent,
        deleted: state === 1,
        rank: birth.rank,
        name: undefined,
        anchored: false
      })
    }
    return placeBlocks(viewed)
  }

  #accept(record: AnyRecord): boolean {
    const verdict = checkRecord(
      {
        authority: this.authority,
        chains: this.chains,
        crypto: this.#crypto,
        homeOf: (block) => {
          const header = this.#byBlock.get(block)[0]
          return header === undefined ? undefined : homeZone(header.body.birth, block)
        }
      },
      record
    )
    if (verdict.verdict !== 'accepted') return false
    const principal = record.type === recordType.principal ? record : this.authority.principal(record.signer)
    if (principal === undefined) return false
    verifyRecordSignature(this.#crypto, record, principal.body.signingPublicKey)
    this.authority.add(record)
    if (record.type === recordType.cap) this.#addBirth(record.body.scopeBirth)
    if (record.type === recordType.receipt)
      for (const id of record.body.records) this.#receipts.add(id, record)
    if (record.type === recordType.header && !this.#headers.has(record.id)) {
      this.#addBirth(record.body.birthBytes)
      this.#headers.set(record.id, record)
      this.#byBlock.add(record.body.block, record)
      this.blocks.set(record.body.block, record.body.block)
    }
    return true
  }

  #addBirth(bytes: Uint8Array): void {
    const birth = decodeBirth(bytes)
    if (birth.zoneRoot) this.authority.addZoneBirth({ zone: blockId(this.#crypto, bytes), birth, bytes })
  }

  #readManifest(checkpoint: CheckpointRecord, readSector: (id: Id) => Uint8Array | undefined): void {
    const { manifest } = checkpoint.body
    const reader = new PayloadReader(
      this.#crypto,
      { payload: manifest, size: manifest.size, rootKey: undefined },
      { readSector, isVerified: true }
    )
    try {
      const decoder = new ManifestDecoder()
      const first = decoder.push(reader.read(0, manifest.size))
      this.#manifests.set(checkpoint.id, [...first, ...decoder.finish()])
    } catch {
      // Not held: an empty cut, and no anchor.
    }
  }

  #isCompleteNow({ id, body }: CheckpointRecord): boolean {
    const rows = this.#manifests.get(id)
    if (rows === undefined || !this.#isChainHeld(body.prev)) return false
    const roots = new HeadsRootBuilder(this.#crypto)
    for (const row of rows) roots.add(row)
    if (!isManifestOf(body, roots.finish())) return false
    return rows.every((row) =>
      row.heads.every((head) => {
        const header = this.#headers.get(head.id)
        if (header === undefined || !equalBytes(header.body.block, row.block)) return false
        return equalBytes(homeZone(header.body.birth, row.block), body.zone)
      })
    )
  }

  #isChainHeld(prev: readonly Id[]): boolean {
    return prev.every((id) => {
      const checkpoint = this.authority.checkpoint(id)
      return checkpoint !== undefined && this.#isChainHeld(checkpoint.body.prev)
    })
  }
}
