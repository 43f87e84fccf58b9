/**
 * Backups: one file sealed under a passphrase (doc/spec/13-configuration.md, section 8). A backup of the whole node
 * holds its key files (the root key stays sealed under its own passphrase), every record and every sector; a backup of a path
 * holds a bundle. The head is that of ./passphrase-header.ts, the rest an archive of the store under the derived key.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { type CryptoProvider, wipe } from '@blocktree/crypto'
import type { Actor } from '@blocktree/files'
import { type ArchiveItem, exportRecords, importRecords } from '@blocktree/store/archive'
import {
  decodeRecord,
  type Id,
  listReferences,
  type PayloadDescriptor,
  recordType,
  type StoredRecord
} from '@blocktree/tree'
import type { NodeParts } from './create-node.ts'
import type { NodeRecord } from './data-directory.ts'
import { expectNewFile, readKeyFiles } from './key-backup.ts'
import type { BackupReport } from './method-table/store-methods.ts'
import { NodeError, reasonOf, systemCode } from './node-error.ts'
import { createPassphraseHeader, openPassphraseHeader, passphraseHeaderBytes } from './passphrase-header.ts'
import { writeStreamedFile } from './streamed-file.ts'

const magic: Uint8Array = new TextEncoder().encode('btback\r\n')
const formatVersion = 1

/** The first note of a backup: what it is. */
export interface BackupHead {
  readonly format: number
  readonly kind: 'node' | 'path'
  readonly createdMs: number
  readonly node: NodeRecord
  /** Key files by name, base64; of a whole node. */
  readonly keys: Readonly<Record<string, string>>
  /** Names that a person gave to principals, by id. */
  readonly names: Readonly<Record<string, string>>
}

/** The last note: what must have arrived. */
export interface BackupTail {
  readonly records: number
  readonly sectors: number
  /** Root summary of the tree, when nothing was written while the backup was made. */
  readonly digest: string | undefined
}

export interface BackupOptions {
  readonly signal: AbortSignal
  readonly onBytes: (done: number) => void
}

interface Count {
  records: number
  sectors: number
}

/** @throws ERR_PATH_LOCAL, ERR_DATA_FULL, and what a path throws */
export async function createBackup(
  parts: NodeParts,
  actor: Actor,
  request: { readonly file: string; readonly passphrase: string; readonly path?: string | undefined },
  options: BackupOptions
): Promise<BackupReport & { readonly digest: string | undefined }> {
  expectNewFile(request.file)
  const { crypto } = parts
  const { header, key } = await createPassphraseHeader(crypto, magic, request.passphrase)
  const count: Count & { digest: string | undefined } = { records: 0, sectors: 0, digest: undefined }
  const items =
    request.path === undefined ? nodeItems(parts, count) : pathItems(parts, actor, request.path, count)
  const archive = exportRecords(items, { crypto, key, salt: crypto.random.bytes(32) })
  let bytes = 0
  try {
    await writeStreamedFile(request.file, prefixed(header, archive), {
      signal: options.signal,
      onBytes(done) {
        bytes = done
        options.onBytes(done)
      }
    })
  } finally {
    wipe(key)
  }
  return { file: request.file, ...count, bytes }
}

async function* prefixed(
  header: Uint8Array,
  archive: AsyncGenerator<Uint8Array>
): AsyncGenerator<Uint8Array, undefined, undefined> {
  yield header
  yield* archive
  return undefined
}

function note(value: BackupHead | BackupTail): ArchiveItem {
  return { kind: 'note', bytes: new TextEncoder().encode(JSON.stringify(value)) }
}

async function* nodeItems(
  parts: NodeParts,
  count: Count & { digest: string | undefined }
): AsyncGenerator<ArchiveItem> {
  const { store, crypto, directory, principals } = parts
  const keys = Object.fromEntries(
    [...readKeyFiles(directory.keys)].map(([name, bytes]) => [name, bytes.toBase64()])
  )
  yield note({
    format: formatVersion,
    kind: 'node',
    createdMs: parts.clock.now(),
    node: parts.record,
    keys,
    names: principals.names()
  })
  const before = await summarize(parts)
  const sent = new RecentIds()
  for await (const record of store.records()) {
    for (const payload of payloadsOf(crypto, record)) {
      for (const part of listReferences(payload, (id) => store.readSector(id), {
        onMissing: () => undefined
      })) {
        if (sent.has(part.hash)) continue
        const bytes = store.readSector(part.hash)
        if (bytes === undefined) continue
        count.sectors++
        yield { kind: 'sector', sector: { reference: part.hash, bytes } }
      }
    }
    count.records++
    yield { kind: 'record', record }
  }
  const after = await summarize(parts)
  count.digest = before === after ? after : undefined
  yield note({ records: count.records, sectors: count.sectors, digest: count.digest })
}

async function summarize({ sharing }: NodeParts): Promise<string> {
  return Buffer.from((await sharing.rootSummary()).digest).toString('hex')
}

/** Payloads whose sectors are stored by themselves. */
export function payloadsOf(crypto: CryptoProvider, stored: StoredRecord): readonly PayloadDescriptor[] {
  if (stored.type !== recordType.header && stored.type !== recordType.checkpoint) return []
  const record = decodeRecord(crypto, stored.bytes)
  if (record.type === recordType.checkpoint) return [record.body.manifest]
  const isInline = stored.inline !== undefined
  return record.type === recordType.header && record.body.payload !== undefined && !isInline
    ? [record.body.payload]
    : []
}

const idsRemembered = 65_536 // a sector that is sent twice costs space, not correctness

class RecentIds {
  readonly #ids = new Set<string>()

  /** True when it was seen lately; remembers it. */
  has(id: Id): boolean {
    const text = Buffer.from(id).toString('latin1')
    if (this.#ids.has(text)) return true
    this.#ids.add(text)
    if (this.#ids.size > idsRemembered) for (const oldest of this.#ids) return !this.#ids.delete(oldest)
    return false
  }
}

async function* pathItems(
  parts: NodeParts,
  actor: Actor,
  path: string,
  count: Count
): AsyncGenerator<ArchiveItem> {
  yield note({
    format: formatVersion,
    kind: 'path',
    createdMs: parts.clock.now(),
    node: parts.record,
    keys: {},
    names: {}
  })
  const chunks = parts.sharing.exportBundle(actor, { paths: [path] })
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) {
      count.records = next.value.records
      count.sectors = next.value.sectors
      break
    }
    yield { kind: 'note', bytes: next.value }
  }
  yield note({ records: count.records, sectors: count.sectors, digest: undefined })
}

/** A backup that was opened: its head was read, its items follow. Nothing is certain until they have ended. */
export interface OpenedBackup {
  readonly head: BackupHead
  readonly items: AsyncGenerator<ArchiveItem>
}

/** @throws ERR_PATH_LOCAL, ERR_BACKUP_PASSPHRASE, ERR_BACKUP_CORRUPT */
export async function openBackup(
  crypto: CryptoProvider,
  file: string,
  passphrase: string
): Promise<OpenedBackup> {
  const opened = await openPassphraseHeader(crypto, magic, await readHeader(file), passphrase)
  if (opened === 'passphrase')
    throw new NodeError(
      'ERR_BACKUP_PASSPHRASE',
      `the passphrase does not open "${file}"; check it and try again`
    )
  if (typeof opened === 'string')
    throw corrupt(
      file,
      opened === 'damaged' ? 'it does not begin like a backup' : `its head has a bad ${opened}`
    )
  const stream = createReadStream(file, { start: passphraseHeaderBytes, highWaterMark: 1 << 20 })
  const items = checked(file, importRecords(stream, { crypto, key: opened.key }))
  const first = await items.next()
  if (first.done === true || first.value.kind !== 'note') throw corrupt(file, 'it says nothing of itself')
  return { head: parseHead(file, first.value.bytes), items }
}

async function readHeader(file: string): Promise<Uint8Array> {
  if (!isAbsolute(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  try {
    await using handle = await open(file, 'r')
    const buffer = new Uint8Array(passphraseHeaderBytes)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `cannot read "${file}": ${reasonOf(cause)}`, { cause })
  }
}

/** Damage found on the way, as an error of this package. */
async function* checked(file: string, items: AsyncGenerator<ArchiveItem>): AsyncGenerator<ArchiveItem> {
  try {
    yield* items
  } catch (cause) {
    if (systemCode(cause)?.startsWith('ERR_ARCHIVE_') === true) throw corrupt(file, reasonOf(cause), cause)
    throw cause
  }
}

function parseHead(file: string, bytes: Uint8Array): BackupHead {
  const head = parseNote(file, bytes)
  const isHead = 'format' in head && 'kind' in head && 'node' in head && 'keys' in head && 'names' in head
  if (!isHead) throw corrupt(file, 'it says too little of itself')
  if (head['format'] !== formatVersion)
    throw corrupt(file, `it has format ${String(head['format'])}; use a newer program`)
  return head as unknown as BackupHead // written by `nodeItems` or `pathItems` of this format, and authenticated
}

export function parseTail(file: string, bytes: Uint8Array): BackupTail {
  const tail = parseNote(file, bytes)
  if (typeof tail['records'] !== 'number' || typeof tail['sectors'] !== 'number')
    throw corrupt(file, 'its last note is no summary')
  return {
    records: tail['records'],
    sectors: tail['sectors'],
    digest: typeof tail['digest'] === 'string' ? tail['digest'] : undefined
  }
}

function parseNote(file: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // said below
  }
  throw corrupt(file, 'a note in it is not JSON')
}

export function corrupt(file: string, problem: string, cause?: unknown): NodeError {
  return new NodeError(
    'ERR_BACKUP_CORRUPT',
    `"${file}" is no whole backup: ${problem}; nothing of it is relied on`,
    { cause }
  )
}

/** Takes what a backup holds into the running node of the same tree; each record is checked like one of a peer. */
export async function restoreBackup(
  parts: NodeParts,
  actor: Actor,
  request: { readonly file: string; readonly passphrase: string },
  options: BackupOptions
): Promise<BackupReport> {
  const backup = await openBackup(parts.crypto, request.file, request.passphrase)
  return takeBackup(parts, actor, request.file, backup, options)
}

type OfTree = Pick<NodeRecord, 'treeId'>

/** What `restoreBackup` does with a backup that was opened. */
export async function takeBackup(
  parts: Pick<NodeParts, 'tree' | 'files' | 'sharing'> & { readonly record: OfTree },
  actor: Actor,
  file: string,
  {
    head,
    items
  }: { readonly head: Pick<BackupHead, 'kind'> & { readonly node: OfTree } } & Pick<OpenedBackup, 'items'>,
  options: BackupOptions
): Promise<BackupReport> {
  if (head.node.treeId !== parts.record.treeId) {
    throw new NodeError(
      'ERR_TREE_OTHER',
      `the backup is of tree ${head.node.treeId}, this node keeps ${parts.record.treeId}; restore it with "blocktree init --restore"`
    )
  }
  const report = await parts.files.arriving(async () => {
    try {
      return head.kind === 'path'
        ? await takeBundle(parts, file, items)
        : await takeItems(parts, file, items, options)
    } finally {
      await parts.files.indexNames(actor) // also of what came before a failure
    }
  })
  return { file, ...report }
}

async function takeBundle(
  parts: Pick<NodeParts, 'sharing'>,
  file: string,
  items: AsyncGenerator<ArchiveItem>
): Promise<Omit<BackupReport, 'file'>> {
  let bytes = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let held: Uint8Array | undefined // the last note is the summary, not a chunk
    for await (const item of items) {
      if (item.kind !== 'note') throw corrupt(file, 'it mixes records with a bundle')
      if (held !== undefined) yield held
      held = item.bytes
      bytes += item.bytes.length
    }
  }
  const report = await parts.sharing.importBundle(chunks(), { peer: 'backup', from: 'host' })
  return { records: report.accepted, sectors: report.sectors, bytes }
}

const batchRecords = 256
const batchBytesMax = 4 * 1024 * 1024

async function takeItems(
  parts: Pick<NodeParts, 'tree'>,
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  { signal, onBytes }: BackupOptions
): Promise<Omit<BackupReport, 'file'>> {
  const total = { records: 0, sectors: 0, bytes: 0 }
  let records: StoredRecord[] = []
  let sectors: { readonly reference: Id; readonly bytes: Uint8Array }[] = []
  let pendingBytes = 0
  const flush = async (): Promise<void> => {
    const offered = records.map(({ bytes, inline }) => ({
      bytes,
      ...(inline === undefined ? {} : { inline })
    }))
    const results = await parts.tree.offer(
      { records: offered, sectors },
      { peer: `backup ${file}`, from: 'host' }
    )
    const refused = results.find(({ outcome }) => outcome === 'refused')
    if (refused !== undefined)
      throw corrupt(file, `a record in it is refused: ${refused.message ?? refused.code ?? ''}`)
    records = []
    sectors = []
    pendingBytes = 0
  }
  for await (const item of items) {
    signal.throwIfAborted()
    if (item.kind === 'note') continue
    if (item.kind === 'record') {
      records.push(item.record)
      total.records++
      pendingBytes += item.record.bytes.length
    } else {
      sectors.push(item.sector)
      total.sectors++
      pendingBytes += item.sector.bytes.length
    }
    total.bytes += item.kind === 'record' ? item.record.bytes.length : item.sector.bytes.length
    onBytes(total.bytes)
    if (records.length >= batchRecords || pendingBytes >= batchBytesMax) await flush()
  }
  await flush()
  return total
}
