/**
 * "Please let me in": one line of text, signed by the principal that asks and carrying its record, to be sent by any
 * means (doc/spec/14-access-lines.md, section 3). It grants nothing and names no tree: whoever reads it decides.
 */
import { CanonicalReader, CanonicalWriter, CodecError, concatBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type Id,
  type PrincipalRecord,
  TreeError,
  checkPrincipalRecord,
  decodeRecord,
  recordType,
  verifyRecordSignature
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { formatLine, parseLine } from './text-line.ts'

export const requestPrefix = 'blocktree-request:'
export const requestBytesMax: number = 8 * 1024 // a principal record takes 1.5 KiB, names and note at most 2.5 KiB
const nameBytesMax = 255
const pathBytesMax = 4096
const noteBytesMax = 2000
const format = 1
const domain: Uint8Array = new TextEncoder().encode('blocktree/request/1\0')

export interface RequestDraft {
  /** What is asked for, as the asking person knows it; the owner may choose another place. */
  readonly path: string
  readonly read: boolean
  /** Bits of `right`. */
  readonly rights: number
  /** How the asking principal calls itself. */
  readonly name?: string
  readonly note?: string
}

export interface AccessRequest extends Required<RequestDraft> {
  readonly id: Id
  readonly principal: PrincipalRecord
  readonly timeMs: number
}

/** @throws ERR_ACCESS_LINE for texts that are too long */
export function requestAccess(context: FilesContext, actor: Actor, draft: RequestDraft): string {
  const { crypto, random, clock } = context
  const { path, read, rights, name = '', note = '' } = draft
  const writer = new CanonicalWriter(2048)
    .array(9)
    .uint(format)
    .bin(actor.principal.record.bytes)
    .str(name)
    .str(path)
  writer.boolean(read).uint(rights).str(note).uint(clock.now()).bin(random.bytes(16))
  const body = writer.finish()
  const signature = actor.signer.key.sign(concatBytes(domain, body))
  const line = formatLine(
    requestPrefix,
    new CanonicalWriter(body.length + 96).array(2).bin(body).bin(signature).finish()
  )
  parseAccessRequest(crypto, line) // what is sent is what every reader will take
  return line
}

/** @throws ERR_ACCESS_LINE unless the line is whole, in bounds and signed by the principal that it carries */
export function parseAccessRequest(crypto: CryptoProvider, line: string): AccessRequest {
  const bytes = parseLine(requestPrefix, line, requestBytesMax)
  try {
    return readRequest(crypto, bytes)
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw new FilesError('ERR_ACCESS_LINE', `the request is damaged: ${cause.message}`, { cause })
  }
}

function readRequest(crypto: CryptoProvider, bytes: Uint8Array): AccessRequest {
  const envelope = new CanonicalReader(bytes)
  envelope.arrayOf(2)
  const body = envelope.bin(requestBytesMax)
  const signature = envelope.binExact(64)
  envelope.end()
  const reader = new CanonicalReader(body)
  reader.arrayOf(9)
  const version = reader.uint(255)
  if (version !== format) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      `a request of format ${version}: a later version is needed to read it`
    )
  }
  const principal = readPrincipal(crypto, reader.bin(requestBytesMax).slice())
  const name = reader.str(nameBytesMax)
  const path = reader.str(pathBytesMax)
  const read = reader.boolean()
  const rights = reader.uint(0xffffffff)
  const note = reader.str(noteBytesMax)
  const timeMs = reader.uint()
  reader.binExact(16)
  reader.end()
  const signed = concatBytes(domain, body)
  if (!crypto.verify(principal.body.signingPublicKey, signed, signature)) {
    throw new FilesError('ERR_ACCESS_LINE', 'the request is not signed by the principal that it carries')
  }
  return { id: crypto.sha256(signed), principal, name, path, read, rights, note, timeMs }
}

/** A self-signed principal record. @throws TreeError, ERR_ACCESS_LINE */
export function readPrincipal(crypto: CryptoProvider, bytes: Uint8Array): PrincipalRecord {
  const record = decodeRecord(crypto, bytes)
  if (record.type !== recordType.principal) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      `a record of type ${record.type} stands where a principal belongs`
    )
  }
  checkPrincipalRecord(crypto, record)
  verifyRecordSignature(crypto, record, record.body.signingPublicKey)
  return record
}
