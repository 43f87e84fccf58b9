/**
 * Succession: the recovery principal puts a new root in place of a lost or stolen one (B.2). Caps of former
 * generations end, but for those in `keepCaps` and what lies within the cuts.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { readCuts, writeCuts } from './cut.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readIdSet, readOptionalId, writeIdSet, writeOptionalId } from './id-set.ts'
import { keepCapsMax } from './limits.ts'
import type { SuccessionBody, SuccessionRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

export function encodeSuccessionBody(body: Draft<SuccessionBody>): Uint8Array {
  const writer = new CanonicalWriter(256).array(8).bin(body.tree).uint(body.generation).bin(body.newRoot)
  writeOptionalId(writer, body.newRecovery)
  writeIdSet(writer, body.keepCaps)
  writeCuts(writer, body.cuts)
  writer.bin(body.prev)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeSuccessionBody(bytes: Uint8Array): SuccessionBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(8)
  const body: SuccessionBody = {
    tree: readId(reader),
    generation: reader.uint(0xffffffff, 1), // the tree record is generation 0
    newRoot: readId(reader),
    newRecovery: readOptionalId(reader),
    keepCaps: readIdSet(reader, keepCapsMax),
    cuts: readCuts(reader),
    prev: readId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

/** @param signer the recovery principal that the record before this one (`prev`) committed to */
export function createSuccession(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<SuccessionBody>
): SuccessionRecord {
  return createRecord(
    crypto,
    recordType.succession,
    signer,
    encodeSuccessionBody(draft),
    decodeSuccessionBody
  )
}
