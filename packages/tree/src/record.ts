/**
 * Any record: from envelope bytes to a decoded value, and the check of its signature (B.1.3, B.8.1, B.8.5).
 * Decoding looks at the record's own bytes alone; what other records say about it is the matter of acceptance.
 */
import { type Envelope, decodeEnvelope, signInput } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { decodeCapBody } from './cap.ts'
import { decodeCheckpointBody } from './checkpoint.ts'
import { decodeDeliveryBody } from './delivery.ts'
import { decodeEndpointBody } from './endpoint.ts'
import { decodeEpochBody } from './epoch.ts'
import { decodeGrantRevocationBody } from './grant-revocation.ts'
import { decodeGrantBody } from './grant.ts'
import { decodeHeaderBody } from './header.ts'
import { checkPrincipalRecord, decodePrincipalBody } from './principal.ts'
import { decodeReceiptBody } from './receipt.ts'
import type { AnyRecord, Id, RecordType, SignedRecord } from './records.ts'
import { formatVersion, recordType } from './records.ts'
import { decodeRevocationBody } from './revocation.ts'
import { recordBytesLimit } from './signed-record.ts'
import { decodeSuccessionBody } from './succession.ts'
import { TreeError } from './tree-error.ts'
import { checkTreeRecord, decodeTreeBody } from './tree-record.ts'

const types: ReadonlySet<number> = new Set(Object.values(recordType))

function isRecordType(code: number): code is RecordType {
  return types.has(code)
}

/** The record id, of known and unknown formats alike; throws CodecError when this is no envelope. */
export function recordIdOf(crypto: CryptoProvider, bytes: Uint8Array): Id {
  return crypto.sha256(signInput(decodeEnvelope(bytes)))
}

/**
 * Decodes envelope and body; the signature is not looked at.
 * @param bytes kept, and viewed by the result: the caller must not change them afterwards
 * @throws CodecError, TreeError; ERR_RECORD_UNKNOWN_FORMAT means that a later version may understand it
 */
export function decodeRecord(crypto: CryptoProvider, bytes: Uint8Array): AnyRecord {
  const envelope = decodeEnvelope(bytes)
  if (envelope.format !== formatVersion || !isRecordType(envelope.type)) {
    throw new TreeError(
      'ERR_RECORD_UNKNOWN_FORMAT',
      `a record of type ${envelope.type}, format ${envelope.format} is not known here`
    )
  }
  const limit = recordBytesLimit(envelope.type)
  if (bytes.length > limit) {
    throw new TreeError(
      'ERR_RECORD_SIZE',
      `a record of type ${envelope.type} has ${bytes.length} bytes, the limit is ${limit}`
    )
  }
  const record = decodeBody(crypto, envelope.type, envelope, bytes)
  if (record.type === recordType.tree) checkTreeRecord(record)
  return record
}

function decodeBody(
  crypto: CryptoProvider,
  type: RecordType,
  envelope: Envelope,
  bytes: Uint8Array
): AnyRecord {
  const { body, signer } = envelope
  function as<Type extends RecordType, Body>(type: Type, decoded: Body): SignedRecord<Type, Body> {
    return { type, id: crypto.sha256(signInput(envelope)), signer, body: decoded, bytes }
  }
  switch (type) {
    case recordType.principal:
      return as(type, decodePrincipalBody(body))
    case recordType.tree:
      return as(type, decodeTreeBody(body))
    case recordType.succession:
      return as(type, decodeSuccessionBody(body))
    case recordType.cap:
      return as(type, decodeCapBody(body))
    case recordType.revocation:
      return as(type, decodeRevocationBody(body))
    case recordType.epoch:
      return as(type, decodeEpochBody(body))
    case recordType.grant:
      return as(type, decodeGrantBody(body))
    case recordType.delivery:
      return as(type, decodeDeliveryBody(body))
    case recordType.grantRevocation:
      return as(type, decodeGrantRevocationBody(body))
    case recordType.header:
      return as(type, decodeHeaderBody(crypto, body))
    case recordType.checkpoint:
      return as(type, decodeCheckpointBody(body))
    case recordType.receipt:
      return as(type, decodeReceiptBody(body))
    case recordType.endpoint:
      return as(type, decodeEndpointBody(body))
  }
}

/**
 * Checks the signature with the signer's public key; of a principal record also that it names itself and that its
 * key is sound (then `publicKey` is that of the record itself).
 * @throws ERR_RECORD_SIGNATURE, ERR_RECORD_SIGNER, ERR_PRINCIPAL_KEY
 */
export function verifyRecordSignature(
  crypto: CryptoProvider,
  record: AnyRecord,
  publicKey: Uint8Array
): void {
  if (record.type === recordType.principal) checkPrincipalRecord(crypto, record)
  const envelope = decodeEnvelope(record.bytes)
  if (!crypto.verify(publicKey, signInput(envelope), envelope.signature)) {
    throw new TreeError(
      'ERR_RECORD_SIGNATURE',
      `the signature of a record of type ${record.type} does not hold`
    )
  }
}
