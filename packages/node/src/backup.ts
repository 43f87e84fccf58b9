/**
 * Backups: one file sealed under a passphrase (doc/spec/13-configuration.md, section 8). A backup of the whole node
 * holds its key files (the root key stays sealed under its own passphrase), every record and every sector, of the own tree
 * and of those of other owners that are kept here; a backup of a path holds a bundle. The head is that of
 * ./passphrase-header.ts, the rest an archive of the store under the derived key. Read by ./open-backup.ts.
 */
import { type CryptoProvider, wipe } from '@blocktree/crypto'
import type { Actor } from '@blocktree/files'
import { type ArchiveItem, exportRecords } from '@blocktree/store/archive'
import { type Id, listReferences } from '@blocktree/tree'
import {
  backupFormat,
  backupFormatHosted,
  backupFormatPublished,
  type BackupHead,
  backupMagic,
  type BackupOptions,
  type BackupTail,
  type HostedHead,
  payloadsOf,
  summarize
} from './backup-format.ts'
import type { NodeParts } from './create-node.ts'
import { hasContent } from './eris/has-content.ts'
import { publishedItems } from './eris/published-backup.ts'
import { keptPaths } from './hosted-paths.ts'
import type { HeldTree, HostedTrees } from './hosted-trees.ts'
import { expectNewFile, readKeyFiles } from './key-backup.ts'
import type { BackupReport } from './method-table/store-methods.ts'
import { NodeError, reasonOf } from './node-error.ts'
import { createPassphraseHeader } from './passphrase-header.ts'
import { writeStreamedFile } from './streamed-file.ts'

interface Count {
  records: number
  sectors: number
}

interface Total extends Count {
  /** Of the own tree. */
  digest: string | undefined
}

/**
 * @param held where the path is; of the whole node the own tree
 * @throws ERR_PATH_LOCAL, ERR_DATA_FULL, and what a path or a hosted tree that cannot be opened throws
 */
export async function createBackup(
  parts: NodeParts,
  held: HeldTree,
  actor: Actor,
  request: { readonly file: string; readonly passphrase: string; readonly path?: string | undefined },
  options: BackupOptions
): Promise<BackupReport & { readonly digest: string | undefined }> {
  expectNewFile(request.file)
  const { crypto } = parts
  const { header, key } = await createPassphraseHeader(crypto, backupMagic, request.passphrase)
  const count: Total = { records: 0, sectors: 0, digest: undefined }
  const { path } = request
  const items = path === undefined ? nodeItems(parts, count) : pathItems(parts, held, actor, path, count)
  const archive = exportRecords(items, { crypto, key, salt: crypto.random.bytes(32) })
  let bytes = 0
  const write = (): Promise<unknown> =>
    writeStreamedFile(request.file, prefixed(header, archive), {
      signal: options.signal,
      onBytes(done) {
        bytes = done
        options.onBytes(done)
      }
    })
  try {
    await (path === undefined ? inUse(parts.trees.hosted, write) : write())
  } finally {
    wipe(key)
  }
  return { file: request.file, ...count, bytes }
}

/** Meanwhile no tree of somebody else is forgotten. */
function inUse<Result>(hosted: HostedTrees, work: () => Promise<Result>): Promise<Result> {
  return hosted.names.reduce((inner, name) => () => hosted.use(name, inner), work)()
}

async function* prefixed(
  header: Uint8Array,
  archive: AsyncGenerator<Uint8Array>
): AsyncGenerator<Uint8Array, undefined, undefined> {
  yield header
  yield* archive
  return undefined
}

function note(value: BackupHead | HostedHead | BackupTail): ArchiveItem {
  return { kind: 'note', bytes: new TextEncoder().encode(JSON.stringify(value)) }
}

async function* nodeItems(parts: NodeParts, count: Total): AsyncGenerator<ArchiveItem> {
  const { crypto, directory, principals, trees } = parts
  const keys = Object.fromEntries(
    [...readKeyFiles(directory.keys)].map(([name, bytes]) => [name, bytes.toBase64()])
  )
  const { names } = trees.hosted
  const content = hasContent(directory.path) ? await parts.content.get() : undefined
  const hasPublished = content !== undefined && content.publications.length > 0
  const tokenFloor = await parts.coordinator.tokenFloor()
  const formatOfTrees = names.length === 0 ? backupFormat : backupFormatHosted
  yield note({
    format: hasPublished ? backupFormatPublished : formatOfTrees,
    kind: 'node',
    createdMs: parts.clock.now(),
    node: parts.record,
    keys,
    names: principals.names(),
    ...(tokenFloor === undefined ? {} : { tokenFloor })
  })
  count.digest = yield* treeItems(crypto, trees.own, count)
  for (const name of names) {
    if (!trees.hosted.isHosted(name)) continue // forgotten meanwhile
    const held = await openHosted(parts, name)
    yield note({ tree: name, shared: await keptPaths(held) })
    yield* treeItems(crypto, held, count)
  }
  if (hasPublished) yield* publishedItems(content)
}

async function openHosted({ trees }: NodeParts, name: string): Promise<HeldTree> {
  try {
    return await trees.hosted.open(name)
  } catch (cause) {
    throw new NodeError(
      'ERR_TREE_NOT_HOSTED',
      `the tree ${name} of somebody else cannot be opened, so there is no whole backup: ${reasonOf(cause)}; mend or forget it ("blocktree forget ${name}") and back up again`,
      { cause }
    )
  }
}

/** Every record, each after its sectors, then the summary. @returns the digest when nothing was written meanwhile */
async function* treeItems(
  crypto: CryptoProvider,
  held: Pick<HeldTree, 'store' | 'tree' | 'sharing'>,
  total: Count
): AsyncGenerator<ArchiveItem, string | undefined> {
  const count = { records: 0, sectors: 0 }
  const { store } = held
  const before = await summarize(held)
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
  const after = await summarize(held)
  const digest = before === after ? after : undefined
  yield note({ ...count, digest })
  total.records += count.records
  total.sectors += count.sectors
  return digest
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
  held: HeldTree,
  actor: Actor,
  path: string,
  count: Count
): AsyncGenerator<ArchiveItem> {
  yield note({
    format: held.isOwn ? backupFormat : backupFormatHosted,
    kind: 'path',
    createdMs: parts.clock.now(),
    node: parts.record,
    keys: {},
    names: {},
    ...(held.isOwn ? {} : { hosted: { tree: held.name, shared: await keptPaths(held) } })
  })
  const chunks = held.sharing.exportBundle(actor, { paths: [path] })
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
