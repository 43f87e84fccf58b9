/**
 * Small files of an import: a batch of one directory is read, sealed and signed by a worker, and committed here. As long
 * as a directory holds only what this import put there, headers come as frames and are stored as they are; where others
 * put files too, each name is looked up.
 */
import type { LocalRecord } from '@blocktree/tree'
import { commitContent, importLargeFile } from './import-content.ts'
import type { ImportRun } from './import-run.ts'
import { unpackHeaders } from './packed-headers.ts'
import type { Directory, Wanted } from './source-entries.ts'
import type { NewFilesResult, PackResult } from './worker-message.ts'
import type { Target } from './write-targets.ts'

/** A batch on its way. */
interface Pack {
  readonly directory: Directory
  readonly batch: readonly Wanted[]
  readonly target: Target
  readonly result: PackResult
}

export class ImportPacks {
  readonly #run: ImportRun
  /** The headers of new files were taken as frames so far: no rule asks to look at them one by one. */
  #mayFrame = true

  constructor(run: ImportRun) {
    this.#run = run
  }

  /** Imports one batch; what is wrong with a file is noted. */
  async import(directory: Directory, batch: readonly Wanted[], attempt = 0): Promise<void> {
    const { count, followLinks, job, targets } = this.#run
    const target = targets.of(directory.zone, directory.path)
    const result = await job.run('pack', {
      path: directory.source,
      names: batch.map(({ entry }) => entry.name),
      shownNames: batch.map(({ entry }) => (entry.shown === entry.name ? undefined : entry.shown)),
      replaces: Uint8Array.from(batch, ({ isReplacing }) => (isReplacing ? 1 : 0)),
      isFresh: attempt < 2 && this.#mayFrame && this.#run.isOwn(directory),
      followLinks,
      target: target.number,
      directory: directory.block
    })
    // the key or the caps changed meanwhile: what was signed under the former ones is thrown away
    if (attempt === 0 && targets.of(directory.zone, directory.path) !== target)
      return this.import(directory, batch, 1)
    // somebody else puts files there: one by one
    if (!(await this.#commit({ directory, batch, target, result }))) return this.import(directory, batch, 2)
    await this.#takeFailures(directory, batch, result)
    const last = batch.at(-1)
    if (last !== undefined) count.tell(`${directory.path}/${last.entry.shown}`)
  }

  async #takeFailures(
    directory: Directory,
    batch: readonly Wanted[],
    { failures }: PackResult
  ): Promise<void> {
    for (const { index, code, reason } of failures) {
      const wanted = batch[index]
      if (wanted === undefined) continue
      if (code === 'large') await importLargeFile(this.#run, directory, wanted.entry, wanted.isReplacing)
      else this.#run.problem(directory, wanted.entry, code, reason)
    }
  }

  /** @returns false when headers that were framed already cannot be stored as they are */
  async #commit(pack: Pack): Promise<boolean> {
    const { directory, batch, result } = pack
    if (this.#run.context.tree.blockSummary(directory.block)?.deleted !== false) {
      for (const { entry } of batch)
        this.#run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its directory was removed meanwhile')
      return true
    }
    if (result.newFiles !== undefined) return await this.#commitFrames(pack, result.newFiles)
    await this.#commitHeaders(pack)
    return true
  }

  async #commitFrames(pack: Pack, { frames, blocks, records }: NewFilesResult): Promise<boolean> {
    const { context, count, parts } = this.#run
    const { directory } = pack
    const [sample] = this.#headersOf(pack)
    const committed =
      sample !== undefined && this.#run.isOwn(directory)
        ? context.tree.commitNewFiles({ sample: sample.header, blocks, records }, (rows) =>
            parts.store.appendPacked(frames, rows)
          )
        : undefined
    this.#mayFrame = committed !== undefined
    if (committed === undefined) return false
    const files = blocks.length / 32
    directory.committed += files
    await committed
    count.files += files
    count.bytes += pack.result.bytes
    return true
  }

  async #commitHeaders(pack: Pack): Promise<void> {
    const { context, count } = this.#run
    const { tree } = context
    const { directory, batch, result } = pack
    const records: LocalRecord[] = []
    let bytes = 0
    // one look-up for all: in a directory that holds only what this import put there, no name can be taken
    const isOwn = this.#run.isOwn(directory)
    for (const { index, header, inline, nameKey, size } of this.#headersOf(pack)) {
      const entry = batch[index]?.entry
      if (entry === undefined) continue
      if (!isOwn && tree.findByName(directory.block, nameKey).length > 0) {
        this.#run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its name was taken meanwhile')
        continue
      }
      records.push({ record: header, nameKey, isNew: isOwn, ...(inline === undefined ? {} : { inline }) })
      bytes += size
    }
    const committed =
      records.length === 0 ? undefined : tree.commitLocal({ records }, { durability: 'group' })
    directory.committed += records.length
    for (const content of result.replaced) {
      const entry = batch[content.index]?.entry
      if (entry !== undefined) await commitContent(this.#run, directory, entry, content, true)
    }
    await committed
    count.files += records.length
    count.bytes += bytes
  }

  #headersOf({ directory, target, result }: Pack): ReturnType<typeof unpackHeaders> {
    const shared = {
      zone: { ...target.zone, key: undefined },
      directory: directory.block,
      signer: this.#run.actor.id
    }
    return unpackHeaders(result.headers, shared)
  }
}
