/** Directories of an import: where they go, made when they are not there, or given the time and mode of their source. */
import { newDirectory, resolveDirectory, zoneOfChildren } from '@blocktree/files'
import { type LocalRecord, blockKind, limits as treeLimits } from '@blocktree/tree'
import type { ImportRun } from './import-run.ts'
import { type Directory, type Entry, below } from './source-entries.ts'

/** The directory that the import goes into, made with those above it when it is absent. */
export async function openDestination(
  run: ImportRun,
  path: string,
  source: string,
  above: readonly string[],
  metadata?: { readonly modifiedMs: number; readonly mode: number }
): Promise<Directory> {
  const { actor, context, count, parts, targets } = run
  const { files } = parts
  let isFresh = false
  if (!files.exists(actor, path)) {
    await files.makeDirectory(actor, path, {
      parents: true,
      durability: 'none',
      ...(metadata && { metadata })
    })
    count.directories++
    isFresh = true
  }
  const place = resolveDirectory(context, actor, path)
  const zone = zoneOfChildren(place.summary)
  targets.of(zone, path)
  const depth = path.split('/').filter((component) => component !== '').length
  const isRoot = place.summary.parent === undefined
  return {
    source,
    path: path.replace(/\/+$/, ''),
    block: place.block,
    zone,
    isFresh,
    isRoot,
    depth,
    above,
    scan: undefined,
    committed: 0
  }
}

/** @returns those that the import goes on with; problems are noted */
export async function enterDirectories(
  run: ImportRun,
  directory: Directory,
  entries: readonly Entry[]
): Promise<readonly Directory[]> {
  const { count } = run
  const records: LocalRecord[] = []
  const entered: Directory[] = []
  for (const entry of entries) {
    if (!mayEnter(run, directory, entry)) continue
    const existing = directory.isFresh ? undefined : run.existing(directory, entry.shown)
    if (existing === undefined && directory.isRoot) {
      entered.push(await newZone(run, directory, entry))
      count.directories++
    } else if (existing === undefined) {
      const made = newDirectoryIn(run, directory, entry)
      records.push(...made.records)
      entered.push(below(directory, entry, { block: made.block, zone: directory.zone, isFresh: true }))
      count.directories++
    } else if (existing.kind !== blockKind.directory) {
      run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something that is no directory has its name')
    } else {
      const zone = existing.zoneRoot ? existing.block : existing.zone
      entered.push(below(directory, entry, { block: existing.block, zone, isFresh: false }))
      if (!existing.zoneRoot) await updateDirectory(run, directory, entry)
    }
  }
  if (records.length > 0) {
    const committed = run.context.tree.commitLocal({ records }, { durability: 'none' })
    directory.committed += records.length
    await committed
  }
  return entered
}

function mayEnter(run: ImportRun, directory: Directory, entry: Entry): boolean {
  if (entry.text === run.ownData) {
    run.problem(directory, entry, 'ERR_ENTRY_OWN_DATA', 'it is the data directory of this node')
  } else if (directory.depth + 1 >= treeLimits.pathDepthMax) {
    run.problem(
      directory,
      entry,
      'ERR_ENTRY_DEPTH',
      `it is deeper than ${treeLimits.pathDepthMax} directories`
    )
  } else if (run.followLinks && directory.above.includes(entry.text ?? '')) {
    run.problem(directory, entry, 'ERR_ENTRY_LINK', 'links lead back to a directory above')
  } else return true
  return false
}

function newDirectoryIn(run: ImportRun, directory: Directory, entry: Entry): ReturnType<typeof newDirectory> {
  const path = `${directory.path}/${entry.shown}`
  const metadata = { modifiedMs: entry.modifiedMs, mode: entry.mode }
  const draft = {
    parent: directory.block,
    zone: directory.zone,
    name: entry.shown,
    metadata,
    zoneRoot: false,
    path
  }
  return newDirectory(run.context, run.actor, draft)
}

/** A directory at the top of the tree: a zone root, as when a person makes it. */
async function newZone(run: ImportRun, directory: Directory, entry: Entry): Promise<Directory> {
  const path = `${directory.path}/${entry.shown}`
  const metadata = { modifiedMs: entry.modifiedMs, mode: entry.mode }
  const { block } = await run.parts.files.makeDirectory(run.actor, path, {
    metadata,
    durability: 'none'
  })
  return below(directory, entry, { block, zone: block, isFresh: true })
}

/** Time and mode of a directory that is there already. */
async function updateDirectory(run: ImportRun, directory: Directory, entry: Entry): Promise<void> {
  const path = `${directory.path}/${entry.shown}`
  const { actor, parts } = run
  const { files } = parts
  const { metadata } = files.stat(actor, path, { followLast: false })
  if (metadata.modifiedMs === entry.modifiedMs && metadata.mode === entry.mode) return
  const change = { modifiedMs: entry.modifiedMs, mode: entry.mode }
  await files.setMetadata(actor, path, change, { durability: 'none', followLast: false })
}
