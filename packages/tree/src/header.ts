/**
 * Headers: one signed version of a block (B.4; doc/spec/06-headers-and-payload.md). The body is `[pub, sealed]`:
 * a public part that any host can check and a private part sealed under the block key, bound to the exact public
 * bytes. In public zones the private part stands in clear.
 */
import { CanonicalReader, CanonicalWriter, CodecError, equalBytes, newBytes } from '@blocktree/codec'
import { type CryptoProvider, type Random, aead, aeadTagBytes } from '@blocktree/crypto'
import { blockId, decodeBirth } from './birth.ts'
import { type BlockKey, checkBlockKey } from './block-key.ts'
import { domain } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { decodeHeaderPrivate, encodeHeaderPrivate } from './header-private.ts'
import { readId, readIdSet, readOptionalId, sortedIds, writeIdSet, writeOptionalId } from './id-set.ts'
import { birthBytesMax, previousMax, privateBytesMax, versionMax } from './limits.ts'
import { noAead, payloadLevels, readPayloadFields, writePayloadFields } from './payload-shape.ts'
import type { HeaderBody, HeaderPrivate, HeaderRecord } from './records.ts'
import { blockKind, blockState, recordType } from './records.ts'
import { type Draft, type Signer, signRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

const nonceBytes = 12
const privateAead = aead.chacha20Poly1305 // whatever the payload: small, and constant in time everywhere
const u32Max = 0xffffffff

/** The public part as a writer gives it; `keyCommitment` follows from the block key. */
export type HeaderDraft = Omit<Draft<HeaderBody>, 'keyCommitment' | 'publicBytes' | 'sealed'>

/**
 * Seals the private part and signs the header.
 * @param key undefined in public zones only, where `draft.epoch` is undefined too
 * @throws ERR_RECORD_FIELD, ERR_RECORD_SIZE
 */
export function createHeader(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  signer: Signer,
  draft: HeaderDraft,
  priv: Draft<HeaderPrivate>,
  key: BlockKey | undefined
): HeaderRecord {
  const fields = {
    ...draft,
    prev: sortedIds(draft.prev),
    keyCommitment: key?.commitment,
    ext: draft.ext ?? []
  }
  checkHeaderFields(fields)
  checkPrivateFields(fields, priv)
  const publicBytes = encodeHeaderPublic(fields)
  const sealed = sealHeader(deps, publicBytes, encodeHeaderPrivate(priv), key)
  const bodyBytes = new CanonicalWriter(publicBytes.length + sealed.length + 16)
    .array(2)
    .bin(publicBytes)
    .bin(sealed)
    .finish()
  const { id, bytes } = signRecord(deps.crypto, recordType.header, signer, bodyBytes)
  return { type: recordType.header, id, signer: signer.id, body: { ...fields, publicBytes, sealed }, bytes }
}

/** Body bytes of a header that is already sealed. */
export function encodeHeaderBody(body: HeaderBody): Uint8Array {
  return new CanonicalWriter(body.publicBytes.length + body.sealed.length + 16)
    .array(2)
    .bin(encodeHeaderPublic(body))
    .bin(body.sealed)
    .finish()
}

export function decodeHeaderBody(crypto: CryptoProvider, bytes: Uint8Array): HeaderBody {
  const outer = new CanonicalReader(bytes)
  outer.arrayOf(2)
  const publicBytes = outer.bin(bytes.length)
  const sealed = outer.bin(privateBytesMax + nonceBytes + aeadTagBytes)
  outer.end()
  const reader = new CanonicalReader(publicBytes)
  reader.arrayOf(11)
  const birthBytes = reader.bin(birthBytesMax)
  const body: HeaderBody = {
    birthBytes,
    birth: decodeBirth(birthBytes),
    block: blockId(crypto, birthBytes),
    version: reader.uint(versionMax, 1),
    prev: readIdSet(reader, previousMax),
    state: reader.uint(1) === 0 ? blockState.live : blockState.deleted,
    parent: readOptionalId(reader),
    epoch: readOptionalId(reader),
    keyVersion: reader.uint(u32Max),
    keyCommitment: reader.skipNil() ? undefined : readId(reader),
    payload: reader.skipNil() ? undefined : readPayload(reader),
    cap: readOptionalId(reader),
    ext: readExtensions(reader),
    publicBytes,
    sealed
  }
  reader.end()
  checkHeaderFields(body)
  return body
}

function readPayload(reader: CanonicalReader): ReturnType<typeof readPayloadFields> {
  reader.arrayOf(5)
  return readPayloadFields(reader)
}

function encodeHeaderPublic(body: Omit<HeaderBody, 'publicBytes' | 'sealed'>): Uint8Array {
  const writer = new CanonicalWriter(512).array(11).bin(body.birthBytes).uint(body.version)
  writeIdSet(writer, body.prev)
  writer.uint(body.state)
  writeOptionalId(writer, body.parent)
  writeOptionalId(writer, body.epoch)
  writer.uint(body.keyVersion)
  writeOptionalId(writer, body.keyCommitment)
  if (body.payload === undefined) writer.nil()
  else writePayloadFields(writer.array(5), body.payload)
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext)
  return writer.finish()
}

/** The rules of B.4 that need nothing but the public part. */
function checkHeaderFields(body: Omit<HeaderBody, 'publicBytes' | 'sealed'>): void {
  const problem = headerProblem(body)
  if (problem !== undefined) throw new TreeError('ERR_RECORD_FIELD', `a header is refused: ${problem}`)
}

function headerProblem(body: Omit<HeaderBody, 'publicBytes' | 'sealed'>): string | undefined {
  const { birth, payload } = body
  if (!(body.version >= 1 && body.version <= versionMax))
    return `version ${body.version} is not from 1 to 2^40`
  if (body.prev.length > previousMax)
    return `it names ${body.prev.length} previous headers, at most 8 are allowed`
  const isFirst = body.version === 1
  if (isFirst !== (body.prev.length === 0)) return 'version 1, and only version 1, names no previous header'
  if (isFirst && !equalOptional(body.parent, birth.parent))
    return 'version 1 has another parent than the birth'
  if ((body.parent === undefined) !== (birth.zone === undefined)) return 'the root block alone has no parent'
  if (birth.zone === undefined && body.state === blockState.deleted) return 'the root block cannot be deleted'
  if ((body.epoch === undefined) !== (body.keyCommitment === undefined)) {
    return 'epoch and key commitment are present together'
  }
  if (body.epoch === undefined && body.keyVersion !== 0) return 'a public block has key version 0'
  if (body.keyVersion > u32Max) return `key version ${body.keyVersion} is above 2^32-1`
  if (payload === undefined) return undefined
  if (birth.kind === blockKind.directory) return 'a directory has no payload'
  if (body.state === blockState.deleted) return 'a deleted block has no payload'
  if ((payload.aead === noAead) !== (body.epoch === undefined)) {
    return 'a payload is in clear in public zones, and only there'
  }
  return undefined
}

function equalOptional(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left === undefined || right === undefined ? left === right : equalBytes(left, right)
}

/**
 * Seals the encoded private part: `nonce | ciphertext | tag`, always ChaCha20-Poly1305 in format 1. The nonce is a hash
 * over key, fresh randomness and all content, so a generator that repeats itself does not repeat a nonce over
 * other content. @returns the plaintext itself without a key (public zones)
 */
export function sealHeader(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  publicBytes: Uint8Array,
  plaintext: Uint8Array,
  key: BlockKey | undefined
): Uint8Array {
  if (key === undefined) return plaintext
  const { crypto, random } = deps
  const nonce = crypto
    .sha256Parts([domain.headerNonce, key.bytes, random.bytes(32), publicBytes, plaintext])
    .subarray(0, nonceBytes)
  const ciphertext = crypto.aeadSeal(privateAead, key.bytes, nonce, associatedData(publicBytes), plaintext)
  const sealed = newBytes(nonceBytes + ciphertext.length)
  sealed.set(nonce)
  sealed.set(ciphertext, nonceBytes)
  return sealed
}

/**
 * Opens the private part.
 * @param key undefined for headers of public zones only
 * @throws ERR_BLOCK_KEY when the key is missing or not the committed one, ERR_HEADER_SEALED when the bytes do not
 * open, ERR_HEADER_PRIVATE when what is inside breaks a rule, ERR_RECORD_UNKNOWN_FORMAT for a critical extension
 */
export function openHeader(
  crypto: CryptoProvider,
  header: HeaderBody,
  key: BlockKey | undefined
): HeaderPrivate {
  const plaintext = openSealed(crypto, header, key)
  let priv: HeaderPrivate
  try {
    priv = decodeHeaderPrivate(plaintext)
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new TreeError('ERR_HEADER_PRIVATE', `the private part is malformed: ${cause.message}`, { cause })
  }
  checkPrivateFields(header, priv)
  return priv
}

function openSealed(crypto: CryptoProvider, header: HeaderBody, key: BlockKey | undefined): Uint8Array {
  if (header.epoch === undefined) return header.sealed
  if (key === undefined) throw new TreeError('ERR_BLOCK_KEY', 'the header is sealed and no key was given')
  checkBlockKey(header, key)
  if (header.sealed.length < nonceBytes + aeadTagBytes) {
    throw new TreeError('ERR_HEADER_SEALED', `${header.sealed.length} bytes are too few for a sealed part`)
  }
  const plaintext = crypto.aeadOpen(
    privateAead,
    key.bytes,
    header.sealed.subarray(0, nonceBytes),
    associatedData(header.publicBytes),
    header.sealed.subarray(nonceBytes)
  )
  if (plaintext !== undefined) return plaintext
  throw new TreeError(
    'ERR_HEADER_SEALED',
    'the private part does not open: it is damaged or of another header'
  )
}

function associatedData(publicBytes: Uint8Array): Uint8Array {
  const associated = newBytes(domain.header.length + publicBytes.length)
  associated.set(domain.header)
  associated.set(publicBytes, domain.header.length)
  return associated
}

/** Size, root key and descriptor must fit each other (B.6). */
function checkPrivateFields(
  header: Pick<HeaderBody, 'payload'>,
  priv: Pick<HeaderPrivate, 'size' | 'rootKey'>
): void {
  const problem = privateProblem(header, priv)
  if (problem !== undefined) throw new TreeError('ERR_HEADER_PRIVATE', `a header is refused: ${problem}`)
}

function privateProblem(
  { payload }: Pick<HeaderBody, 'payload'>,
  { size, rootKey }: Pick<HeaderPrivate, 'size' | 'rootKey'>
): string | undefined {
  if (payload === undefined) {
    return size === 0 && rootKey === undefined ? undefined : 'size or root key without a payload'
  }
  if ((payload.aead === noAead) !== (rootKey === undefined))
    return 'a sealed payload, and no other, has a root key'
  const levels = payloadLevels(size, payload.sectorLog2)
  return levels === payload.levels
    ? undefined
    : `${size} bytes need ${levels} levels, the header says ${payload.levels}`
}
