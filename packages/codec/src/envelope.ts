/**
 * The signed envelope (doc/spec/02-envelope.md): `["bt1", type, format, signer, body, signature]`.
 * The signature covers the domain string, type, format, signer id and the exact body bytes; the record id
 * is the SHA-256 of the same input, so a second signature makes no second id.
 */
import { CanonicalReader } from './canonical-reader.ts'
import { CanonicalWriter } from './canonical-writer.ts'
import { CodecError } from './codec-error.ts'
import { recordBytesMax } from './limits.ts'
import { newBytes } from './room.ts'

const magic = 'bt1'
const domain: Uint8Array = new TextEncoder().encode('blocktree/1\0')
const idBytes = 32
const signatureBytes = 64

export interface Envelope {
  readonly type: number // 0..255
  readonly format: number // 0..255
  readonly signer: Uint8Array // 32 bytes, id of the signing principal
  readonly body: Uint8Array
  readonly signature: Uint8Array // 64 bytes
}

/**
 * The bytes under the signature; their SHA-256 is the record id. Every field but the last has a fixed
 * width, so one input belongs to one record. ERR_CODEC_VALUE when a field has another width.
 */
export function signInput(record: Pick<Envelope, 'type' | 'format' | 'signer' | 'body'>): Uint8Array {
  checkByte('type', record.type)
  checkByte('format', record.format)
  checkLength('signer', record.signer, idBytes)
  const input = newBytes(domain.length + 2 + idBytes + record.body.length)
  input.set(domain)
  input[domain.length] = record.type
  input[domain.length + 1] = record.format
  input.set(record.signer, domain.length + 2)
  input.set(record.body, domain.length + 2 + idBytes)
  return input
}

/** Refuses (ERR_CODEC_VALUE, ERR_CODEC_RANGE) what `decodeEnvelope` would refuse. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  checkByte('type', envelope.type)
  checkByte('format', envelope.format)
  checkLength('signer', envelope.signer, idBytes)
  checkLength('signature', envelope.signature, signatureBytes)
  const bytes = new CanonicalWriter(envelope.body.length + 128)
    .array(6)
    .str(magic)
    .uint(envelope.type)
    .uint(envelope.format)
    .bin(envelope.signer)
    .bin(envelope.body)
    .bin(envelope.signature)
    .finish()
  checkRecordLength(bytes)
  return bytes
}

/** @returns views of `bytes`; throws CodecError when the shape is not exactly that of an envelope */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > recordBytesMax) {
    throw new CodecError(
      'ERR_CODEC_RANGE',
      `record of ${bytes.length} bytes is longer than ${recordBytesMax}`
    )
  }
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(6)
  if (reader.str(3) !== magic)
    throw new CodecError('ERR_CODEC_ENVELOPE', 'the record does not begin with "bt1"')
  const type = reader.uint(255)
  const format = reader.uint(255)
  const signer = reader.binExact(idBytes)
  const body = reader.bin(recordBytesMax)
  const signature = reader.binExact(signatureBytes)
  reader.end()
  return { type, format, signer, body, signature }
}

function checkByte(field: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= 255) return
  throw new CodecError('ERR_CODEC_VALUE', `${field} ${value} of an envelope is not an integer from 0 to 255`)
}

function checkLength(field: string, bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return
  throw new CodecError('ERR_CODEC_VALUE', `${field} of an envelope has ${bytes.length} bytes, not ${length}`)
}

function checkRecordLength(bytes: Uint8Array): void {
  if (bytes.length <= recordBytesMax) return
  throw new CodecError('ERR_CODEC_RANGE', `record of ${bytes.length} bytes is longer than ${recordBytesMax}`)
}
