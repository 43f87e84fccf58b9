/** Reading a backup: head, then the records and sectors of one tree after the other, each note judged as it comes. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { CryptoProvider } from '@blocktree/crypto'
import { type ArchiveItem, importRecords } from '@blocktree/store/archive'
import {
  backupFormat,
  backupFormatHosted,
  backupFormatPublished,
  type BackupHead,
  backupMagic,
  type BackupTail,
  corrupt,
  type HostedHead
} from './backup-format.ts'
import { isTreeName } from './hosted-trees.ts'
import { NodeError, reasonOf, systemCode } from './node-error.ts'
import { openPassphraseHeader, passphraseHeaderBytes } from './passphrase-header.ts'

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
  const opened = await openPassphraseHeader(crypto, backupMagic, await readHeader(file), passphrase)
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
  if (![backupFormat, backupFormatHosted, backupFormatPublished].some((known) => known === head['format']))
    throw corrupt(file, `it has format ${String(head['format'])}; use a newer program`)
  return head as unknown as BackupHead // written by `nodeItems` or `pathItems` of this format, and authenticated
}

function parseTail(file: string, bytes: Uint8Array): BackupTail {
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

/**
 * Hands over the records and sectors of one tree.
 * @returns the note at its end
 * @throws ERR_BACKUP_CORRUPT when that is not there, or says that something is missing
 */
export async function readTree(
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  take: (item: Exclude<ArchiveItem, { kind: 'note' }>) => Promise<void> | void
): Promise<BackupTail> {
  const count = { records: 0, sectors: 0 }
  for (let next = await items.next(); next.done !== true; next = await items.next()) {
    if (next.value.kind === 'note') {
      const tail = parseTail(file, next.value.bytes)
      if (tail.records === count.records && tail.sectors === count.sectors) return tail
      break
    }
    if (next.value.kind === 'record') count.records++
    else count.sectors++
    await take(next.value)
  }
  throw corrupt(file, 'records or sectors are missing in it')
}

/** The tree of somebody else that comes next; undefined at the end, after what was published was taken. */
export async function nextHosted(
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  takePublished: () => Promise<void>
): Promise<HostedHead | undefined> {
  const next = await items.next()
  if (next.done === true) return undefined
  if (next.value.kind !== 'note') throw corrupt(file, 'something stands between its trees')
  const note = parseNote(file, next.value.bytes)
  if (note['part'] !== 'published') return parseHosted(file, note)
  await takePublished()
  if ((await items.next()).done !== true) throw corrupt(file, 'something stands behind its end')
  return undefined
}

export function parseHosted(file: string, { tree, shared }: Record<string, unknown>): HostedHead {
  if (typeof tree !== 'string' || !isTreeName(tree)) throw corrupt(file, 'a tree in it has no id')
  const paths: Record<string, string> = {}
  if (typeof shared === 'object' && shared !== null) {
    for (const [block, path] of Object.entries(shared)) if (typeof path === 'string') paths[block] = path
  }
  return { tree, shared: paths }
}
