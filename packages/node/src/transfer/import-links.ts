/** Symbolic links of an import. */
import { applyMetadata } from '@blocktree/files'
import { blockKind, noMetadata } from '@blocktree/tree'
import type { ImportRun } from './import-run.ts'
import type { Directory, Entry } from './source-entries.ts'

export async function importLink(run: ImportRun, directory: Directory, entry: Entry): Promise<void> {
  const { actor, count, parts } = run
  const { files } = parts
  const path = `${directory.path}/${entry.shown}`
  const target = entry.text ?? ''
  const existing = directory.isFresh ? undefined : run.existing(directory, entry.shown)
  if (existing?.kind === blockKind.symlink && files.readLink(actor, path) === target) {
    count.unchanged++
    return
  }
  if (existing !== undefined && (existing.kind !== blockKind.symlink || !run.replace)) {
    return run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something else has its name')
  }
  try {
    const metadata = applyMetadata(noMetadata, { modifiedMs: entry.modifiedMs })
    const { modifiedMs } = metadata
    await files.symlink(actor, path, target, {
      metadata: { modifiedMs },
      durability: 'none',
      replace: true
    })
    count.symlinks++
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SYMLINK_TARGET')) throw error
    run.problem(directory, entry, 'ERR_ENTRY_LINK', error.message)
  }
}
