/** Revocation of a grant: permanent; access again = a new grant (B.5; body `[tree, grant, cap, ext]`). */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type { GrantRevocationBody, GrantRevocationRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

export function encodeGrantRevocationBody(body: Draft<GrantRevocationBody>): Uint8Array {
  const writer = new CanonicalWriter(128).array(4).bin(body.tree).bin(body.grant)
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeGrantRevocationBody(bytes: Uint8Array): GrantRevocationBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(4)
  const body: GrantRevocationBody = {
    tree: readId(reader),
    grant: readId(reader),
    cap: readOptionalId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

export function createGrantRevocation(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<GrantRevocationBody>
): GrantRevocationRecord {
  const bodyBytes = encodeGrantRevocationBody(draft)
  return createRecord(crypto, recordType.grantRevocation, signer, bodyBytes, decodeGrantRevocationBody)
}
