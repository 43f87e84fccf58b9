/** Taking a backup into a running node: of the same tree, and of trees of other owners, each record like one of a peer. */
import { parseId } from '@blocktree/codec'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import type { Actor } from '@blocktree/files'
import type { ArchiveItem } from '@blocktree/store/archive'
import type { Id, StoredRecord } from '@blocktree/tree'
import { type BackupHead, type BackupOptions, corrupt, type HostedHead } from './backup-format.ts'
import type { NodeParts } from './create-node.ts'
import type { NodeRecord } from './data-directory.ts'
import { takePublished } from './eris/published-backup.ts'
import { namePaths, rememberPath } from './hosted-paths.ts'
import type { HeldTree } from './hosted-trees.ts'
import type { BackupReport } from './method-table/store-methods.ts'
import { NodeError } from './node-error.ts'
import { nextHosted, openBackup, type OpenedBackup, parseHosted, readTree } from './open-backup.ts'

/** Takes what a backup holds into the running node of the same tree; each record is checked like one of a peer. */
export async function restoreBackup(
  parts: NodeParts,
  actor: Actor,
  request: { readonly file: string; readonly passphrase: string },
  options: BackupOptions
): Promise<BackupReport> {
  const { file } = request
  const backup = await openBackup(parts.crypto, file, request.passphrase)
  const { head, items } = backup
  if (head.kind === 'path' && head.hosted !== undefined) {
    const hosted = parseHosted(file, { ...head.hosted })
    const report = await takeHosted(parts, actor, hosted, (held) => takeBundle(held, file, items))
    return { file, ...report }
  }
  const total = await takeBackup(parts, actor, file, backup, options)
  if (head.kind === 'path') return total
  const published = async (): Promise<void> => {
    const content = await parts.content.get()
    await content.adopt((put) => takePublished(file, items, chooseBlockKernel(), put))
  }
  const nextOf = (): Promise<HostedHead | undefined> => nextHosted(file, items, published)
  for (let next = await nextOf(); next !== undefined; next = await nextOf()) {
    const report = await takeHosted(parts, actor, next, (held) => takeItems(held, file, items, options))
    total.records += report.records
    total.sectors += report.sectors
    total.bytes += report.bytes
  }
  return total
}

type Taken = { -readonly [Name in keyof BackupReport]: BackupReport[Name] }
type Counted = Omit<Taken, 'file'>

/** Into a tree of somebody else, which is kept here from now on if it was not before. */
async function takeHosted(
  { trees, principals }: NodeParts,
  own: Actor,
  { tree, shared }: HostedHead,
  take: (held: HeldTree) => Promise<Counted>
): Promise<Counted> {
  return trees.hosted.use(tree, async () => {
    const held = await trees.hosted.accept(parseId(tree))
    return held.files.arriving(async () => {
      for (const [block, path] of Object.entries(shared)) await rememberPath(held, parseId(block), path)
      try {
        return await take(held)
      } finally {
        if (held.tree.rootBlock !== undefined) {
          await namePaths(held)
          for (const actor of new Set([principals.node, own]))
            await held.files.indexNames(held.actorOf(actor))
        }
      }
    })
  })
}

type OfTree = Pick<NodeRecord, 'treeId'>

/** What `restoreBackup` does with the own tree in a backup that was opened. */
export async function takeBackup(
  parts: Pick<NodeParts, 'tree' | 'files' | 'sharing'> & { readonly record: OfTree },
  actor: Actor,
  file: string,
  {
    head,
    items
  }: { readonly head: Pick<BackupHead, 'kind'> & { readonly node: OfTree } } & Pick<OpenedBackup, 'items'>,
  options: BackupOptions
): Promise<Taken> {
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
  parts: Pick<HeldTree, 'sharing'>,
  file: string,
  items: AsyncGenerator<ArchiveItem>
): Promise<Counted> {
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
  parts: Pick<HeldTree, 'tree'>,
  file: string,
  items: AsyncGenerator<ArchiveItem>,
  { signal, onBytes }: BackupOptions
): Promise<Counted> {
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
  await readTree(file, items, async (item) => {
    signal.throwIfAborted()
    if (item.kind === 'record') {
      records.push(item.record)
      total.records++
      pendingBytes += item.record.bytes.length
      total.bytes += item.record.bytes.length
    } else {
      sectors.push(item.sector)
      total.sectors++
      pendingBytes += item.sector.bytes.length
      total.bytes += item.sector.bytes.length
    }
    onBytes(total.bytes)
    if (records.length >= batchRecords || pendingBytes >= batchBytesMax) await flush()
  })
  await flush()
  return total
}
