/**
 * Signing: body bytes become an envelope under a principal's key (B.1.3). The record id is the SHA-256 of the
 * bytes under the signature, so it does not depend on the signature.
 */
import { encodeEnvelope, headerEnvelopeBytesMax, recordBytesMax, signInput } from '@blocktree/codec'
import type { CryptoProvider, SigningKey } from '@blocktree/crypto'
import type { Extensions, Id, RecordType, SignedRecord } from './records.ts'
import { formatVersion, recordType } from './records.ts'
import { TreeError } from './tree-error.ts'

/** A principal that can sign here and now. */
export interface Signer {
  readonly id: Id // principal id
  readonly key: SigningKey
}

/** A body as a caller gives it: extensions may be left out, sets may be in any order. */
export type Draft<Body extends { readonly ext: Extensions }> = Omit<Body, 'ext'> & {
  readonly ext?: Extensions
}

/** Envelope bytes as allowed for `type`: 8 KiB for a header, 256 KiB for others. */
export function recordBytesLimit(type: RecordType): number {
  return type === recordType.header ? headerEnvelopeBytesMax : recordBytesMax
}

/** @throws ERR_RECORD_SIZE when the envelope would be larger than its type allows */
export function signRecord(
  crypto: CryptoProvider,
  type: RecordType,
  signer: Signer,
  bodyBytes: Uint8Array
): { readonly id: Id; readonly bytes: Uint8Array } {
  const size = envelopeBytes(bodyBytes.length)
  const limit = recordBytesLimit(type)
  if (size > limit) {
    throw new TreeError(
      'ERR_RECORD_SIZE',
      `a record of type ${type} would take ${size} bytes, the limit is ${limit}`
    )
  }
  const input = signInput({ type, format: formatVersion, signer: signer.id, body: bodyBytes })
  const signature = signer.key.sign(input)
  const bytes = encodeEnvelope({ type, format: formatVersion, signer: signer.id, body: bodyBytes, signature })
  return { id: crypto.sha256(input), bytes }
}

/** Array, "bt1", type and format below 128, signer, header of the body, body, signature. */
function envelopeBytes(bodyLength: number): number {
  const bodyHeader = bodyLength < 0x100 ? 2 : bodyLength < 0x10000 ? 3 : 5
  return 1 + 4 + 2 + 34 + bodyHeader + bodyLength + 66
}

/** Signs, and reads the body back from its bytes: what the caller gets is what every receiver will see. */
export function createRecord<Type extends RecordType, Body>(
  crypto: CryptoProvider,
  type: Type,
  signer: Signer,
  bodyBytes: Uint8Array,
  decode: (bytes: Uint8Array) => Body
): SignedRecord<Type, Body> {
  const body = decode(bodyBytes)
  const { id, bytes } = signRecord(crypto, type, signer, bodyBytes)
  return { type, id, signer: signer.id, body, bytes }
}
