/**
 * A whole node from its backup, in an empty place: key files, records and sectors as they were, index and names made
 * anew. Used by `init --restore`, and by the drill, which does the same in a scratch place and compares.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { formatId, parseId } from '@blocktree/codec'
import { type CryptoProvider, keyNamePattern } from '@blocktree/crypto'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { putBlocks } from '@blocktree/eris'
import { openSqliteStore } from '@blocktree/eris-store'
import { createFiles, createSharing, namesPending, type Sharing } from '@blocktree/files'
import { createStore, type DiskStore, nodeDrivers } from '@blocktree/store'
import type { ArchiveItem } from '@blocktree/store/archive'
import {
  type Clock,
  createPrincipal,
  type Id,
  reindex,
  type StoredRecord,
  type StoredSector
} from '@blocktree/tree'
import { createBackup } from './backup.ts'
import {
  type BackupHead,
  type BackupOptions,
  type BackupTail,
  corrupt,
  type HostedHead,
  summarize
} from './backup-format.ts'
import { nextHosted, openBackup, readTree } from './open-backup.ts'
import type { NodeParts } from './create-node.ts'
import { type DataDirectory, dataDirectoryAt, type NodeRecord, writeFileDurably } from './data-directory.ts'
import { publishedName } from './eris/has-content.ts'
import { writePublications } from './eris/publications.ts'
import { takePublished } from './eris/published-backup.ts'
import { rememberPath } from './hosted-paths.ts'
import { deriveNameSecret } from './name-secret.ts'
import type { DrillReport } from './method-table/store-methods.ts'
import { restoredFloorRow } from './coordinator/restored-tokens.ts'
import { NodeError } from './node-error.ts'
import { nameRow, nodeKeyName } from './principal-directory.ts'

export interface RestoreRequest {
  readonly file: string
  readonly passphrase: string
}

export interface RestoredNode {
  readonly record: NodeRecord
  readonly records: number
  readonly sectors: number
  readonly bytes: number
  /** Digest of what was restored equals that of the backup; undefined when the backup was made while writes went on. */
  readonly isIdentical: boolean | undefined
  /** Sectors that shown versions need and the backup does not hold. */
  readonly missingSectors: number
  /** Root summary of what was restored. */
  readonly digest: string
}

/**
 * @param target an empty directory of which `keys` and `store` are made
 * @throws ERR_BACKUP_PASSPHRASE, ERR_BACKUP_CORRUPT, ERR_PATH_LOCAL; the target is worthless then
 */
export async function restoreNodeInto(
  crypto: CryptoProvider,
  target: DataDirectory,
  request: RestoreRequest,
  options: BackupOptions
): Promise<RestoredNode> {
  const { file, passphrase } = request
  const { head, items } = await openBackup(crypto, file, passphrase)
  if (head.kind !== 'node') {
    throw new NodeError(
      'ERR_BACKUP_CORRUPT',
      `"${file}" holds what is below one path, not a whole node; restore it into a running node`
    )
  }
  for (const [name, text] of Object.entries(head.keys)) {
    if (!keyNamePattern.test(name)) throw corrupt(file, `it names a key "${name.slice(0, 64)}"`)
    writeFileDurably(join(target.keys, `${name}.key`), Uint8Array.fromBase64(text))
  }
  const store = await createStore(nodeDrivers(target.store))
  let own: { readonly taken: TakenTree; readonly digest: string; readonly missingSectors: number }
  try {
    const taken = await takeRaw(store, file, items, options)
    const names = Object.entries(head.names).map(([id, name]) => nameRow(parseId(id), name))
    await store.commit({ local: [...names, restoredFloorRow(tokenFloorOf(head))] })
    const summary = await rebuild(crypto, target, store, head.node)
    own = { taken, digest: hexOf(summary.digest), missingSectors: summary.missingSectors ?? 0 }
  } finally {
    await store.close()
  }
  const restored = { ...own.taken.count }
  let isIdentical = isSame(own.taken.tail.digest, own.digest)
  const published = (): Promise<void> => restorePublished(target, file, items)
  const nextOf = (): Promise<HostedHead | undefined> => nextHosted(file, items, published)
  for (let next = await nextOf(); next !== undefined; next = await nextOf()) {
    const hosted = await restoreHosted(crypto, target, file, next, items, options)
    for (const name of ['records', 'sectors', 'bytes'] as const) restored[name] += hosted.count[name]
    if (hosted.isIdentical === false) isIdentical = false
  }
  const { digest, missingSectors } = own
  return { record: head.node, ...restored, isIdentical, missingSectors, digest }
}

async function restorePublished(
  { content }: DataDirectory,
  file: string,
  items: AsyncGenerator<ArchiveItem>
): Promise<void> {
  mkdirSync(content, { recursive: true, mode: 0o700 })
  await using store = await openSqliteStore(join(content, publishedName))
  const taken = await takePublished(file, items, chooseBlockKernel(), (blocks) => putBlocks(store, blocks))
  writePublications(content, taken)
}

/** Above what was given up to the backup, and by the clock above what was given since: nobody locks every millisecond for years. */
function tokenFloorOf({ tokenFloor }: BackupHead): number {
  return Math.max(Number.isSafeInteger(tokenFloor) ? (tokenFloor ?? 0) : 0, Date.now())
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex')
}

function isSame(expected: string | undefined, digest: string): boolean | undefined {
  return expected === undefined ? undefined : expected === digest
}

/** A tree of somebody else in its folder; its names are indexed when it is opened first. */
async function restoreHosted(
  crypto: CryptoProvider,
  target: DataDirectory,
  file: string,
  { tree: name, shared }: HostedHead,
  items: AsyncGenerator<ArchiveItem>,
  options: BackupOptions
): Promise<{ readonly count: TakenTree['count']; readonly isIdentical: boolean | undefined }> {
  const place = join(target.hosted, name)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  const store = await createStore(nodeDrivers(place))
  try {
    const { count, tail } = await takeRaw(store, file, items, options)
    for (const [block, path] of Object.entries(shared)) await rememberPath({ store }, parseId(block), path)
    const clock: Clock = { now: Date.now }
    const tree = await reindex({ store, crypto, clock })
    await tree.settled()
    await store.commit({ rows: [namesPending] })
    await store.flush()
    const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret: noSecret })
    const digest = await summarize({ tree, sharing: createSharing(files.context) })
    files.close()
    tree.close()
    return { count, isIdentical: isSame(tail.digest, digest ?? '') }
  } finally {
    await store.close()
  }
}

const noSecret = new Uint8Array(32) // no name is indexed here

const batchRecords = 512
const batchBytesMax = 8 * 1024 * 1024

/** Records and sectors into the log as they are; rows come later. */
async function takeRaw(
  store: DiskStore,
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  { signal, onBytes }: BackupOptions
): Promise<TakenTree> {
  const count = { records: 0, sectors: 0, bytes: 0 }
  let records: StoredRecord[] = []
  let sectors: StoredSector[] = []
  let pendingBytes = 0
  const tail = await readTree(file, items, async (item) => {
    signal.throwIfAborted()
    const { length } = item.kind === 'record' ? item.record.bytes : item.sector.bytes
    if (item.kind === 'record') count.records = records.push(item.record) && count.records + 1
    else count.sectors = sectors.push(item.sector) && count.sectors + 1
    count.bytes += length
    pendingBytes += length
    if (records.length >= batchRecords || pendingBytes >= batchBytesMax) {
      await store.commit({ records, sectors })
      records = []
      sectors = []
      pendingBytes = 0
      onBytes(count.bytes)
    }
  })
  await store.commit({ records, sectors })
  return { count, tail }
}

interface TakenTree {
  readonly count: { readonly records: number; readonly sectors: number; readonly bytes: number }
  readonly tail: BackupTail
}

/** Derived rows, then names with the keys of the node. @returns the summary of what is there now */
async function rebuild(
  crypto: CryptoProvider,
  target: DataDirectory,
  store: DiskStore,
  record: NodeRecord
): Promise<Awaited<ReturnType<Sharing['rootSummary']>>> {
  const clock: Clock = { now: Date.now }
  const keys = createKeyFileStorage({ folder: target.keys, crypto })
  const tree = await reindex({ store, crypto, clock })
  await tree.settled()
  const held = tree.tree === undefined ? 'none' : formatId(tree.tree)
  if (held !== record.treeId)
    throw new NodeError('ERR_BACKUP_CORRUPT', `the backup says tree ${record.treeId} and holds ${held}`)
  const secret = await keys.open(nodeKeyName)
  if (secret === undefined) throw new NodeError('ERR_BACKUP_CORRUPT', 'the backup lacks the key of the node')
  const principal = createPrincipal(crypto, secret)
  secret.close()
  const files = createFiles({
    tree,
    store,
    crypto,
    random: crypto.random,
    clock,
    nameSecret: await deriveNameSecret(keys, crypto)
  })
  const actor = files.actor(principal)
  try {
    await files.indexNames(actor)
    await store.flush()
    return await createSharing(files.context).rootSummary({ sectors: 'read' })
  } finally {
    actor.close()
    principal.close()
    files.close()
    tree.close()
  }
}

/** Restores to a scratch place and compares; without a file a fresh backup is made and removed again. */
export async function drill(
  parts: NodeParts,
  given: Partial<RestoreRequest>,
  options: BackupOptions
): Promise<DrillReport> {
  const startMs = performance.now()
  const scratch: Id = parts.crypto.random.bytes(8)
  const place = dataDirectoryAt(join(parts.directory.path, `.drill-${Buffer.from(scratch).toString('hex')}`))
  try {
    for (const path of [place.path, place.keys, place.store])
      mkdirSync(path, { recursive: true, mode: 0o700 })
    const request = given.file === undefined ? await freshBackup(parts, place.path, options) : wanted(given)
    const restored = await restoreNodeInto(parts.crypto, place, request, options)
    const { records, sectors, bytes } = restored
    const isIdentical = restored.isIdentical !== false && restored.missingSectors === 0
    return {
      file: given.file ?? '',
      records,
      sectors,
      bytes,
      isIdentical,
      isCurrent: restored.digest === Buffer.from((await parts.sharing.rootSummary()).digest).toString('hex'),
      durationMs: Math.round(performance.now() - startMs)
    }
  } finally {
    rmSync(place.path, { recursive: true, force: true })
  }
}

function wanted({ file, passphrase }: Partial<RestoreRequest>): RestoreRequest {
  if (file !== undefined && passphrase !== undefined) return { file, passphrase }
  throw new NodeError('ERR_BACKUP_PASSPHRASE', 'a drill of a backup needs its passphrase')
}

async function freshBackup(
  parts: NodeParts,
  folder: string,
  options: BackupOptions
): Promise<RestoreRequest> {
  const request = {
    file: join(folder, 'backup'),
    passphrase: Buffer.from(parts.crypto.random.bytes(24)).toString('base64')
  }
  await createBackup(parts, parts.trees.own, parts.principals.node, request, options)
  return request
}
