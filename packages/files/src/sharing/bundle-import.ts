/**
 * Taking a bundle in: each record is offered as if it came from a stranger, and only sectors that an accepted header or
 * checkpoint refers to are stored, so a hostile bundle cannot fill the disk with what nobody asked for.
 */
import { CodecError, equalBytes } from '@blocktree/codec'
import {
  type Admission,
  type AnyRecord,
  type Id,
  type OfferResult,
  type StoredSector,
  TreeError,
  checkSectorHash,
  decodeBirth,
  decodeRecord,
  listNode,
  recordType
} from '@blocktree/tree'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { idKey } from '../id-key.ts'
import { batchRecordsMax, batchSectorBytesMax } from '../limits.ts'
import { BundleDecoder, type BundleFrame } from './bundle-frame.ts'

export interface ImportReport {
  readonly accepted: number
  readonly known: number
  readonly parked: number
  readonly quarantined: number
  readonly refused: number
  /** Sectors stored; those held before are not counted. */
  readonly sectors: number
  /** Sectors that nothing taken here refers to. */
  readonly unwanted: number
  /** The first reasons for refusals, each with its code in parentheses; at most 20. */
  readonly reasons: readonly string[]
}

const expectedMax = 1 << 20 // references waited for: 90 MiB; a stream that needs more is not in the order of this format
const reasonsMax = 20

export async function importBundle(
  context: FilesContext,
  chunks: AsyncIterable<Uint8Array>,
  admission: Admission = { peer: 'bundle', from: 'writer' }
): Promise<ImportReport> {
  const decoder = new BundleDecoder(context.crypto)
  const intake = new BundleIntake(context, admission)
  for await (const chunk of chunks) {
    const frames = decoder.push(chunk)
    checkTree(context, decoder.tree)
    for (const frame of frames) await intake.take(frame)
  }
  await intake.flush()
  decoder.finish()
  return intake.report()
}

function checkTree(context: FilesContext, tree: Id | undefined): void {
  const own = context.tree.tree
  if (own === undefined || tree === undefined || equalBytes(own, tree)) return
  throw new FilesError('ERR_PATH_OTHER_TREE', 'the bundle is of another tree than the one kept here')
}

interface Expected {
  readonly level: number
  readonly aead: Parameters<typeof listNode>[0]
}

class BundleIntake {
  readonly #context: FilesContext
  readonly #admission: Admission
  readonly #counts = { accepted: 0, known: 0, parked: 0, quarantined: 0, refused: 0, sectors: 0, unwanted: 0 }
  readonly #reasons: string[] = []
  /** Sectors that what was taken so far refers to. */
  readonly #expected = new Map<string, Expected>()
  #births: Uint8Array[] = []
  #records: { readonly bytes: Uint8Array; readonly inline?: Uint8Array }[] = []
  #sectors: StoredSector[] = []
  #sectorBytes = 0

  constructor(context: FilesContext, admission: Admission) {
    this.#context = context
    this.#admission = admission
  }

  report(): ImportReport {
    return { ...this.#counts, reasons: this.#reasons }
  }

  async take(frame: BundleFrame): Promise<void> {
    switch (frame.kind) {
      case 'birth':
        if (this.#records.length > 0) await this.flush()
        this.#takeBirth(frame.bytes)
        if (this.#births.length >= batchRecordsMax) await this.flush()
        return
      case 'record':
        this.#records.push({
          bytes: frame.bytes,
          ...(frame.inline === undefined ? {} : { inline: frame.inline })
        })
        if (this.#records.length >= batchRecordsMax) await this.flush()
        return
      case 'sector':
        if (this.#records.length > 0) await this.flush()
        return this.#takeSector(frame.reference, frame.bytes)
    }
  }

  async flush(): Promise<void> {
    const sectors = this.#sectors
    this.#sectors = []
    this.#sectorBytes = 0
    if (sectors.length > 0) await this.#context.store.commit({ sectors })
    if (this.#records.length === 0 && this.#births.length === 0) return
    const offer = { records: this.#records, births: this.#births }
    this.#records = []
    this.#births = []
    const results = await this.#context.tree.offer(offer, this.#admission)
    for (const [index, result] of results.entries()) this.#note(result, offer.records[index])
  }

  #takeBirth(bytes: Uint8Array): void {
    try {
      const birth = decodeBirth(bytes)
      const { tree } = this.#context.tree.authority
      const isOurs = tree !== undefined && equalBytes(birth.tree, tree.id) && birth.zoneRoot
      if (isOurs && (birth.zone !== undefined || equalBytes(birth.creator, tree.body.root)))
        this.#births.push(bytes)
      else this.#refuse('a zone birth that does not belong to the tree')
    } catch (error) {
      if (!(error instanceof CodecError || error instanceof TreeError)) throw error
      this.#refuse(withCode(`a zone birth: ${error.message}`, error.code))
    }
  }

  #note(
    result: OfferResult,
    offered: { readonly bytes: Uint8Array; readonly inline?: Uint8Array } | undefined
  ): void {
    this.#counts[result.outcome]++
    if (result.outcome === 'refused') {
      this.#counts.refused--
      this.#refuse(withCode(result.message ?? 'a record', result.code))
      return
    }
    if (result.outcome === 'parked' || offered === undefined) return
    const record = decodeRecord(this.#context.crypto, offered.bytes)
    // a sector beside the header that was not the right one was dropped: the right one may still follow
    if (this.#context.tree.inlineOf(record.id) !== undefined) return
    const payload = payloadOf(record)
    if (payload !== undefined) this.#expect(payload.rootHash, payload.levels, payload.aead)
  }

  #expect(reference: Id, level: number, aead: Expected['aead']): void {
    if (this.#expected.size >= expectedMax) {
      const oldest = this.#expected.keys().next()
      if (oldest.done !== true) this.#expected.delete(oldest.value)
    }
    this.#expected.set(idKey(reference), { level, aead })
  }

  async #takeSector(reference: Id, bytes: Uint8Array): Promise<void> {
    const key = idKey(reference)
    const expected = this.#expected.get(key)
    if (expected === undefined) {
      this.#counts.unwanted++
      return
    }
    try {
      checkSectorHash(this.#context.crypto, reference, bytes)
      if (expected.level > 0) {
        for (const hash of listNode(expected.aead, expected.level, bytes).hashes) {
          this.#expect(hash, expected.level - 1, expected.aead)
        }
      }
    } catch (error) {
      if (!(error instanceof CodecError || error instanceof TreeError)) throw error
      this.#refuse(withCode(`a sector: ${error.message}`, error.code))
      return
    }
    this.#expected.delete(key)
    if (this.#context.store.hasSector(reference)) return
    this.#counts.sectors++
    this.#sectors.push({ reference, bytes })
    this.#sectorBytes += bytes.length
    if (this.#sectorBytes >= batchSectorBytesMax) await this.flush()
  }

  #refuse(reason: string): void {
    this.#counts.refused++
    if (this.#reasons.length < reasonsMax) this.#reasons.push(reason)
  }
}

function withCode(reason: string, code: string | undefined): string {
  return code === undefined ? reason : `${reason} (${code})`
}

function payloadOf(
  record: AnyRecord
): { readonly rootHash: Id; readonly levels: number; readonly aead: number } | undefined {
  if (record.type === recordType.header) return record.body.payload
  return record.type === recordType.checkpoint ? record.body.manifest : undefined
}
