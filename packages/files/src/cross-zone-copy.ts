/**
 * Copying a subtree as new blocks: for copies, for moves into another zone, and for turning a plain directory into a
 * zone. Births and headers are made top-down with the payload references kept, then, for a move, tombstones bottom-up
 * with `movedTo` (MODEL B.9.6). The job stands in the journal before the first birth; nonces of births follow from its
 * seed, so a resumed job recognises what it made by its id and goes on. A crash leaves duplicates, never a loss. What
 * changes at the source meanwhile is copied once more just before its tombstone.
 */
import { equalBytes } from '@blocktree/codec'
import {
  type Extension,
  type HeaderPrivate,
  type Id,
  PayloadWriter,
  type StoredSector,
  blockKind,
  blockState,
  noAead,
  right,
  sealedExtension
} from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { CommitBatch } from './commit-batch.ts'
import { contentReader, damagedFile, payloadAead, sealContent, storedContent } from './content.ts'
import { type FilesContext, type Located, isPublicZone, locate, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { type Job, type JobKind, jobDoneRow, jobKind, jobRow, newJob } from './job-journal.ts'
import { batchSectorBytesMax, inlineBytesMax } from './limits.ts'
import { newDirectory } from './make-directory.ts'
import type { NamedPlace, Place } from './resolve-path.ts'
import { placeOf } from './resolve-path.ts'
import { firstSharedZone } from './shared-zones.ts'
import { walkTree } from './walk-tree.ts'
import {
  type StoredContent,
  capFor,
  inlineOf,
  makeBlock,
  makeVersion,
  newBirth,
  openOrDeny,
  treeId,
  writeKeyFor
} from './write-version.ts'

export interface CopyRequest {
  readonly kind: JobKind
  readonly place: Place
  readonly named: NamedPlace
  readonly options: {
    readonly dropShares?: boolean
    readonly replace?: boolean
    readonly onProgress?: (blocks: number) => void
  }
  /** Make the top a zone root; when absent, as `makeDirectory` would: at the top of the tree. */
  readonly zoneRoot?: boolean
}

export interface CopyReply {
  /** The top of the copy. */
  readonly block: Id
  /** New blocks. */
  readonly blocks: number
}

/** Where the copy of a directory's children goes. */
interface Target {
  readonly directory: Id
  readonly zone: Id
  readonly isTop: boolean
}

/** Writes the job down, then does it. ERR_ACCESS_DENIED before anything is made when a right is missing at the top. */
export async function copyTree(
  context: FilesContext,
  actor: Actor,
  request: CopyRequest
): Promise<CopyReply> {
  const { kind, place, named, options } = request
  const { path } = named
  if (kind === jobKind.move && options.dropShares !== true) {
    const shared = firstSharedZone(context, place.block)
    if (shared !== undefined) {
      throw new FilesError(
        'ERR_ACCESS_DENIED',
        `"${path}": moving to another zone would end the shares of a folder in it: stop sharing it first, or drop the shares`,
        { path }
      )
    }
  }
  const isDirectory = place.summary.kind === blockKind.directory
  const isTop = named.directory.summary.parent === undefined
  const job = newJob(context, {
    kind,
    source: place.block,
    target: named.directory.block,
    // a name that is taken until the last step: the copy grows under another one
    arrivalName: named.existing === undefined ? named.name : `${named.name.slice(0, 40)}.arriving`,
    finalName: named.name,
    zoneRoot: isDirectory && (request.zoneRoot ?? isTop),
    actor: actor.id
  })
  return runCopy(context, actor, job, path, options.onProgress)
}

/** Does, or goes on with, a journalled copy or move. */
export async function runCopy(
  context: FilesContext,
  actor: Actor,
  job: Job,
  path: string,
  onProgress?: (blocks: number) => void
): Promise<CopyReply> {
  return new SubtreeCopy(context, actor, job, path, onProgress).run()
}

class SubtreeCopy {
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #job: Job
  readonly #path: string
  readonly #onProgress: ((blocks: number) => void) | undefined
  readonly #batch: CommitBatch
  #made = 0
  #top: Id | undefined

  constructor(
    context: FilesContext,
    actor: Actor,
    job: Job,
    path: string,
    onProgress: ((blocks: number) => void) | undefined
  ) {
    this.#context = context
    this.#actor = actor
    this.#job = job
    this.#path = path
    this.#onProgress = onProgress
    this.#batch = new CommitBatch(context)
  }

  async run(): Promise<CopyReply> {
    const directory = placeOf(this.#context, this.#job.target)
    if (directory === undefined || directory.summary.kind !== blockKind.directory) {
      throw new FilesError(
        'ERR_FILE_NOT_FOUND',
        `"${this.#path}": the target directory is gone: the job stays in the journal`,
        {
          path: this.#path
        }
      )
    }
    this.#batch.addLocal(jobRow(this.#job))
    const target = { directory: directory.block, zone: zoneOfChildren(directory.summary), isTop: true }
    await this.#copyAll(target)
    if (this.#job.kind === jobKind.move) await this.#removeAll(target)
    else await this.#settle(target)
    if (this.#top === undefined) {
      this.#batch.addLocal(jobDoneRow(this.#job))
      await this.#batch.commit()
      throw new FilesError('ERR_FILE_NOT_FOUND', `"${this.#path}": the source is gone`, { path: this.#path })
    }
    return { block: this.#top, blocks: this.#made }
  }

  async #copyAll(target: Target): Promise<void> {
    await walkTree(this.#context, this.#job.source, target, {
      enter: async (block, into) => {
        const given = await this.#ensure(block, into)
        if (this.#batch.isFull) await this.#commit()
        return given
      }
    })
    await this.#commit()
  }

  /** Tombstones bottom-up; the last one, the final name and the end of the job are one batch. */
  async #removeAll(target: Target): Promise<void> {
    await walkTree(this.#context, this.#job.source, target, {
      enter: (block, into) => this.#ensure(block, into),
      leave: async (block, into) => {
        const located = locate(this.#context, block)
        if (located === undefined) return
        const isSource = equalBytes(block, this.#job.source)
        if (isSource) await this.#commit()
        if (!located.summary.deleted) {
          const change = { state: blockState.deleted, movedTo: into.directory }
          this.#batch.add(makeVersion(this.#context, this.#actor, located, change, this.#path).local)
        }
        if (isSource) await this.#settle(target)
        else if (this.#batch.isFull) await this.#commit()
      }
    })
  }

  /** Gives the copy its final name, in place of what has it, and strikes the job out. */
  async #settle(target: Target): Promise<void> {
    const { arrivalName, finalName } = this.#job
    if (arrivalName !== finalName && this.#top !== undefined) {
      const key = this.#context.names.keyOf(target.zone, finalName)
      for (const block of this.#context.tree.findByName(target.directory, key)) {
        const replaced = locate(this.#context, block)
        if (replaced === undefined || replaced.summary.deleted) continue
        if (equalBytes(block, this.#top) || this.#isMoved(block)) continue
        this.#batch.add(
          makeVersion(this.#context, this.#actor, replaced, { state: blockState.deleted }, this.#path).local
        )
      }
      const top = locate(this.#context, this.#top)
      if (top !== undefined) {
        this.#batch.add(makeVersion(this.#context, this.#actor, top, { name: finalName }, this.#path).local)
      }
    }
    this.#batch.addLocal(jobDoneRow(this.#job))
    await this.#commit()
  }

  /** The source of a move gets its own tombstone: a second one beside it would be a fork. */
  #isMoved(block: Id): boolean {
    return this.#job.kind === jobKind.move && equalBytes(block, this.#job.source)
  }

  async #commit(): Promise<void> {
    await this.#batch.commit()
    this.#onProgress?.(this.#made)
  }

  /** The copy of `block` below `into`, made when it is not there; for a directory, where its children go. */
  async #ensure(block: Id, into: Target): Promise<Target | undefined> {
    const located = locate(this.#context, block)
    if (located === undefined) return undefined
    const isSource = equalBytes(block, this.#job.source)
    // a copy that was placed inside its own source must not be copied again
    if (this.#top !== undefined && equalBytes(block, this.#top)) return undefined
    const opened = openOrDeny(this.#context, this.#actor, located.header, this.#path)
    const draft = this.#draft(located, opened, into, isSource)
    const { birth, copy } = draft
    if (isSource) this.#top = copy
    const existing = locate(this.#context, copy)
    if (existing === undefined) await this.#make(located, opened, into, draft)
    else if (this.#job.kind === jobKind.move) await this.#refresh(located, opened, existing)
    return { directory: copy, zone: birth.zoneRoot ? copy : into.zone, isTop: false }
  }

  /** Birth and id of a copy: the same whenever the job runs. */
  #draft(
    located: Located,
    opened: HeaderPrivate,
    into: Target,
    isSource: boolean
  ): {
    readonly copy: Id
    readonly birth: { readonly zoneRoot: boolean }
    readonly nonce: Uint8Array
    readonly name: string
    readonly zoneRoot: boolean
  } {
    const { crypto } = this.#context
    const nonce = crypto.hmacSha256(this.#job.seed, [located.summary.block]).slice(0, 16)
    const zoneRoot = isSource && this.#job.zoneRoot
    const name = isSource ? this.#job.arrivalName : opened.name
    const rights = zoneRoot ? right.admin : right.create
    const { birth, block } = newBirth(this.#context, this.#actor.id, {
      tree: treeId(this.#context),
      zone: into.zone,
      parent: into.directory,
      kind: located.summary.kind,
      zoneRoot,
      public: zoneRoot && isPublicZone(this.#context, into.zone),
      cap: capFor(this.#actor, { home: into.zone, block: undefined }, rights, this.#path),
      writeKey: writeKeyFor(this.#context, this.#actor, into.zone, this.#path),
      name,
      metadata: opened.metadata,
      nonce
    })
    return { copy: block, birth, nonce, name, zoneRoot }
  }

  async #make(
    located: Located,
    opened: HeaderPrivate,
    into: Target,
    draft: {
      readonly nonce: Uint8Array
      readonly name: string
      readonly zoneRoot: boolean
      readonly copy: Id
    }
  ): Promise<void> {
    const { header, summary } = located
    const ext = this.#extensions(opened, header.id)
    this.#made++
    if (summary.kind === blockKind.directory) {
      const { modifiedMs, mode, mediaType, attributes } = opened.metadata
      const made = newDirectory(this.#context, this.#actor, {
        parent: into.directory,
        zone: into.zone,
        name: draft.name,
        metadata: { modifiedMs, mode, mediaType, attributes: Object.fromEntries(attributes) },
        zoneRoot: draft.zoneRoot,
        path: this.#path,
        nonce: draft.nonce,
        ext,
        publicExt: header.body.ext
      })
      for (const record of made.records) this.#batch.add(record)
      // children of a new zone need its epoch at once
      if (draft.zoneRoot) await this.#batch.commit()
      return
    }
    const content = await this.#content(located, opened, into.zone, draft.copy)
    const made = makeBlock(this.#context, this.#actor, {
      parent: into.directory,
      zone: into.zone,
      kind: summary.kind,
      name: draft.name,
      metadata: opened.metadata,
      content: () => content,
      nonce: draft.nonce,
      ext,
      path: this.#path
    })
    this.#batch.add(made.local, content.sectors)
  }

  /** The source was written again after its copy was made, and nobody has touched the copy. */
  async #refresh(located: Located, opened: HeaderPrivate, existing: Located): Promise<void> {
    if (existing.header.body.version !== 1) return
    const copied = openOrDeny(this.#context, this.#actor, existing.header, this.#path)
    const from = copied.ext.find(({ code }) => code === sealedExtension.movedFrom)
    if (from === undefined || equalBytes(from.bytes, located.header.id)) return
    const content = await this.#content(located, opened, existing.summary.zone, existing.summary.block)
    const change = { content, metadata: opened.metadata }
    this.#batch.add(
      makeVersion(this.#context, this.#actor, existing, change, this.#path).local,
      content.sectors
    )
  }

  /** The same references, unless content passes between clear and sealed. */
  async #content(located: Located, opened: HeaderPrivate, zone: Id, block: Id): Promise<StoredContent> {
    const { header } = located
    const { payload } = header.body
    const { rootKey, size } = opened
    const isClear = isPublicZone(this.#context, zone)
    if (payload === undefined || (payload.aead === noAead) === isClear) {
      const inline = inlineOf(this.#context, header, { payload, rootKey, size })
      return { payload, rootKey, size, inline, sectors: [] }
    }
    const target = { block, aead: payloadAead(isClear), sectorLog2: payload.sectorLog2 }
    try {
      const reader = contentReader(this.#context, header, opened)
      if (reader === undefined || size <= inlineBytesMax) {
        return sealContent(this.#context, target, reader?.read(0, size) ?? new Uint8Array(0))
      }
      return await this.#sealAgain(reader, target)
    } catch (error) {
      throw damagedFile(error, this.#path)
    }
  }

  async #sealAgain(
    reader: NonNullable<ReturnType<typeof contentReader>>,
    target: { readonly block: Id; readonly aead: ReturnType<typeof payloadAead>; readonly sectorLog2: number }
  ): Promise<StoredContent> {
    let waiting: StoredSector[] = []
    let bytes = 0
    const { crypto, random, store } = this.#context
    const writer = new PayloadWriter(
      { ...target, crypto, random },
      {
        sectorLog2: target.sectorLog2,
        emit: (sector) => {
          waiting.push(sector)
          bytes += sector.bytes.length
        }
      }
    )
    for (const leaf of reader.leaves(0, reader.size)) {
      if (leaf.isHole) writer.pushHole(leaf.length)
      else writer.push(reader.openLeaf(leaf))
      if (bytes < batchSectorBytesMax) continue
      const sectors = waiting
      waiting = []
      bytes = 0
      await store.commit({ sectors }, { durability: 'none' })
    }
    return storedContent(writer.finish(), waiting)
  }

  #extensions(opened: HeaderPrivate, source: Id): readonly Extension[] {
    const known: readonly number[] = Object.values(sealedExtension)
    const kept = opened.ext.filter(({ code }) => !known.includes(code))
    if (this.#job.kind !== jobKind.move) return kept
    const from: Extension = { code: sealedExtension.movedFrom, critical: false, bytes: source }
    return [...kept, from].toSorted((left, right) => left.code - right.code)
  }
}
