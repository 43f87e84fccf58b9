/**
 * Checkpoints: a signed summary of a zone (B.11). The manifest it names lists every counted head; hosts without keys
 * check it, so it is a payload in clear. Rows: ./manifest.ts, roots: ./trie.ts.
 */
import { CanonicalReader, CanonicalWriter, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { zeroId } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readIdSet, readOptionalId, writeIdSet, writeOptionalId } from './id-set.ts'
import { checkpointPreviousMax } from './limits.ts'
import { noAead, payloadLevels, readPayloadFields, writePayloadFields } from './payload-shape.ts'
import type { CheckpointBody, CheckpointRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

export function encodeCheckpointBody(body: Draft<CheckpointBody>): Uint8Array {
  const writer = new CanonicalWriter(512).array(13).bin(body.tree).bin(body.zone).uint(body.sequence)
  writeIdSet(writer, body.prev)
  writer.bin(body.headsRoot).uint(body.blocks).bin(body.graveRoot).uint(body.graves).bin(body.authorityRoot)
  writePayloadFields(writer.array(6), body.manifest)
  writer.uint(body.manifest.size).uint(body.timeMs)
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeCheckpointBody(bytes: Uint8Array): CheckpointBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(13)
  const body: CheckpointBody = {
    tree: readId(reader),
    zone: readId(reader),
    sequence: reader.uint(undefined, 1),
    prev: readIdSet(reader, checkpointPreviousMax),
    headsRoot: readId(reader),
    blocks: reader.uint(),
    graveRoot: readId(reader),
    graves: reader.uint(),
    authorityRoot: readId(reader),
    manifest: readManifestDescriptor(reader),
    timeMs: reader.uint(),
    cap: readOptionalId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  if ((body.sequence === 1) !== (body.prev.length === 0)) {
    throw new TreeError('ERR_RECORD_FIELD', 'checkpoint 1, and only checkpoint 1, has no previous checkpoint')
  }
  if ((body.graves === 0) !== equalBytes(body.graveRoot, zeroId)) {
    throw new TreeError('ERR_RECORD_FIELD', `the root over ${body.graves} graves is not that of so many`)
  }
  return body
}

function readManifestDescriptor(reader: CanonicalReader): CheckpointBody['manifest'] {
  reader.arrayOf(6)
  const payload = readPayloadFields(reader)
  const size = reader.uint()
  if (payload.aead !== noAead) throw new TreeError('ERR_RECORD_FIELD', 'a manifest is a payload in clear')
  if (payloadLevels(size, payload.sectorLog2) !== payload.levels) {
    throw new TreeError(
      'ERR_RECORD_FIELD',
      `a manifest of ${size} bytes does not have ${payload.levels} levels`
    )
  }
  return { ...payload, size, rootKey: undefined }
}

export function createCheckpoint(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<CheckpointBody>
): CheckpointRecord {
  return createRecord(
    crypto,
    recordType.checkpoint,
    signer,
    encodeCheckpointBody(draft),
    decodeCheckpointBody
  )
}
