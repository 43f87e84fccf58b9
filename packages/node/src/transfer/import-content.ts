/** Files of an import whose content workers have sealed: committed under their names. Large ones are sealed by all workers at once. */
import type { ImportRun } from './import-run.ts'
import { sealLargeSource, stateOfSource } from './large-source.ts'
import { sectorLog2 } from './limits.ts'
import type { Directory, Entry } from './source-entries.ts'
import type { SealedContent } from './worker-message.ts'

/** A file of many units, which all workers seal; one more attempt when it changes meanwhile. */
export async function importLargeFile(
  run: ImportRun,
  directory: Directory,
  entry: Entry,
  isReplacing: boolean
): Promise<void> {
  const path = `${directory.source}/${entry.name}`
  const parts = {
    context: run.context,
    job: run.job,
    signal: run.signal,
    followLinks: run.followLinks
  }
  for (let attempt = 0; ; attempt++) {
    const state = stateOfSource(path, run.followLinks)
    if (state === undefined) return run.problem(directory, entry, 'ERR_ENTRY_CHANGED', 'it is gone')
    const { number, zone } = run.targets.of(directory.zone, directory.path)
    const target = { number, isPublic: zone.isPublic, directory: directory.block }
    const sealed = await sealLargeSource(parts, { ...state, path }, target)
    if (!('code' in sealed))
      return await commitContent(run, directory, entry, { ...sealed, ...state }, isReplacing)
    if (sealed.code === 'ERR_ENTRY_CHANGED' && attempt === 0) continue
    return run.problem(directory, entry, sealed.code, sealed.reason)
  }
}

/** A name that was taken meanwhile is a problem of the entry. */
export async function commitContent(
  run: ImportRun,
  directory: Directory,
  entry: Entry,
  content: Omit<SealedContent, 'index'>,
  isReplacing: boolean
): Promise<void> {
  const path = `${directory.path}/${entry.shown}`
  const { aead, levels, stored, rootHash, rootKey, size, modifiedMs, mode } = content
  const large = { descriptor: { aead, sectorLog2, levels, stored, rootHash }, rootKey, size }
  try {
    const options = { replace: isReplacing, metadata: { modifiedMs, mode }, durability: 'group' } as const
    await run.parts.files.commitLargeFile(run.actor, path, large, options)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'ERR_FILE_EXISTS'
    if (!isTaken) throw error
    run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its name was taken meanwhile')
    return
  }
  run.count.files++
  run.count.bytes += size
}
