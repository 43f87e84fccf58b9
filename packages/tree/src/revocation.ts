/**
 * Revocation of a cap (B.7.4). What was written under the cap counts no longer, but for what lies in or below the
 * cuts. It is never undone.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { readCuts, writeCuts } from './cut.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type { RevocationBody, RevocationRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

export function encodeRevocationBody(body: Draft<RevocationBody>): Uint8Array {
  const writer = new CanonicalWriter(256).array(6).bin(body.tree).bin(body.target)
  writeOptionalId(writer, body.by)
  writeCuts(writer, body.cuts)
  writer.uint(body.reason)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeRevocationBody(bytes: Uint8Array): RevocationBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(6)
  const body: RevocationBody = {
    tree: readId(reader),
    target: readId(reader),
    by: readOptionalId(reader),
    cuts: readCuts(reader),
    reason: reader.uint(255),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

/** @param signer the root (then `by` is undefined) or the subject of `by`, a link above the target */
export function createRevocation(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<RevocationBody>
): RevocationRecord {
  return createRecord(
    crypto,
    recordType.revocation,
    signer,
    encodeRevocationBody(draft),
    decodeRevocationBody
  )
}
