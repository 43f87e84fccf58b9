/**
 * The answer to a request as one line of text: every record that the new member needs, so that it can check its access
 * before it has met any node of the tree (doc/spec/14-access-lines.md, section 4). Contents are signed records only.
 */
import { CanonicalReader, CanonicalWriter, CodecError, concatBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Id, type Signer, TreeError, type PrincipalRecord } from '@blocktree/tree'
import { FilesError } from '../files-error.ts'
import { readPrincipal } from './access-request.ts'
import { formatLine, parseLine } from './text-line.ts'

export const answerPrefix = 'blocktree-access:'
export const answerBytesMax: number = 3 * 1024 * 1024 // its text fits one RPC message
export const answerRecordsMax = 20_000
const recordBytesMax = 256 * 1024
const birthBytesMax = 256
const pathBytesMax = 4096
const format = 1
const domain: Uint8Array = new TextEncoder().encode('blocktree/access/1\0')

export interface AccessAnswer {
  readonly request: Id
  readonly tree: Id
  /** The zone or block that was shared. */
  readonly target: Id
  readonly path: string
  readonly read: boolean
  readonly rights: number
  readonly approver: PrincipalRecord
  readonly births: readonly Uint8Array[]
  readonly records: readonly Uint8Array[]
}

/** @throws ERR_ACCESS_LINE when there are too many records for one line: send a bundle instead */
export function formatAnswer(signer: Signer, answer: AccessAnswer): string {
  const writer = new CanonicalWriter(16 * 1024).array(10).uint(format).bin(answer.request).bin(answer.tree)
  writer
    .bin(answer.target)
    .str(answer.path)
    .boolean(answer.read)
    .uint(answer.rights)
    .bin(answer.approver.bytes)
  writer.array(answer.births.length)
  for (const birth of answer.births) writer.bin(birth)
  writer.array(answer.records.length)
  for (const record of answer.records) writer.bin(record)
  const body = writer.finish()
  if (body.length > answerBytesMax - 128 || answer.records.length > answerRecordsMax) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      `${answer.records.length} records do not fit in one line: send a bundle`
    )
  }
  const signature = signer.key.sign(concatBytes(domain, body))
  return formatLine(
    answerPrefix,
    new CanonicalWriter(body.length + 96).array(2).bin(body).bin(signature).finish()
  )
}

/** Form and signature only; what the records say is judged by `acceptAccess`. @throws ERR_ACCESS_LINE */
export function parseAnswer(crypto: CryptoProvider, line: string): AccessAnswer {
  const bytes = parseLine(answerPrefix, line, answerBytesMax)
  try {
    return readAnswer(crypto, bytes)
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw new FilesError('ERR_ACCESS_LINE', `the answer is damaged: ${cause.message}`, { cause })
  }
}

function readAnswer(crypto: CryptoProvider, bytes: Uint8Array): AccessAnswer {
  const envelope = new CanonicalReader(bytes)
  envelope.arrayOf(2)
  const body = envelope.bin(answerBytesMax)
  const signature = envelope.binExact(64)
  envelope.end()
  const reader = new CanonicalReader(body)
  reader.arrayOf(10)
  const version = reader.uint(255)
  if (version !== format) {
    throw new FilesError(
      'ERR_ACCESS_LINE',
      `an answer of format ${version}: a later version is needed to read it`
    )
  }
  const request = reader.binExact(32).slice()
  const tree = reader.binExact(32).slice()
  const target = reader.binExact(32).slice()
  const path = reader.str(pathBytesMax)
  const read = reader.boolean()
  const rights = reader.uint(0xffffffff)
  const approver = readPrincipal(crypto, reader.bin(recordBytesMax).slice())
  const births = readMany(reader, birthBytesMax)
  const records = readMany(reader, recordBytesMax)
  reader.end()
  if (!crypto.verify(approver.body.signingPublicKey, concatBytes(domain, body), signature)) {
    throw new FilesError('ERR_ACCESS_LINE', 'the answer is not signed by the principal that it carries')
  }
  return { request, tree, target, path, read, rights, approver, births, records }
}

function readMany(reader: CanonicalReader, bytesMax: number): readonly Uint8Array[] {
  const count = reader.array(answerRecordsMax)
  const items: Uint8Array[] = []
  for (let index = 0; index < count; index++) items.push(reader.bin(bytesMax, 1).slice())
  return items
}
