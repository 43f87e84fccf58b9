/**
 * Creation of many small files at once. While a few are under way each is sealed where it was asked for; with more, those
 * of one turn that go into one directory are sealed by another thread (./file-sealer.ts) and committed together. What was
 * true when a file was sent there is looked at again in the step that commits it: names, directory, cap and key. Where
 * anything is different, each file of the batch is made in place as if there were no lane.
 */
import { equalBytes } from '@blocktree/codec'
import { type BlockSummary, type Id, limits, right } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { BulkTarget } from './build-file.ts'
import type { FileSealer, SealedBatch } from './file-sealer.ts'
import { type FilesContext, isPublicZone, zoneOfChildren } from './files-context.ts'
import { laneBatchFilesMax, laneBatchFilesMin, laneFilesMin, laneWaitingMax } from './limits.ts'
import { knownDirectory, resolveName } from './resolve-path.ts'
import type { CreateOptions, WriteReply } from './write-file.ts'
import { capFor, treeId, writeKeyFor } from './write-version.ts'

/** Makes one file in place. */
export type CreateHere = (path: string, bytes: Uint8Array, options: CreateOptions) => Promise<WriteReply>

interface WaitingFile {
  readonly actor: Actor
  readonly path: string
  readonly name: string
  readonly directory: BlockSummary
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  readonly options: CreateOptions
  readonly here: CreateHere
  readonly resolve: (reply: WriteReply | Promise<WriteReply>) => void
  readonly reject: (error: unknown) => void
}

/** Files of one actor for one directory, with different names. */
interface Batch {
  readonly actor: Actor
  readonly directory: BlockSummary
  readonly names: Set<string>
  readonly files: WaitingFile[]
}

export class CreateLane {
  readonly #context: FilesContext
  readonly #sealer: FileSealer
  /** Of this turn. */
  #waiting: WaitingFile[] = []
  #underWay = 0

  constructor(context: FilesContext, sealer: FileSealer) {
    this.#context = context
    this.#sealer = sealer
  }

  /** @param here how the file is made without the lane */
  create(
    actor: Actor,
    path: string,
    bytes: Uint8Array,
    options: CreateOptions,
    here: CreateHere
  ): Promise<WriteReply> {
    const reply = this.#take(actor, path, bytes, options, here) ?? here(path, bytes, options)
    this.#underWay++
    const leave = (): void => void this.#underWay--
    reply.then(leave, leave)
    return reply
  }

  #take(
    actor: Actor,
    path: string,
    bytes: Uint8Array,
    options: CreateOptions,
    here: CreateHere
  ): Promise<WriteReply> | undefined {
    if (this.#underWay < laneFilesMin || this.#waiting.length >= laneWaitingMax) return undefined
    if (bytes.length === 0 || bytes.length > limits.inlineBytesMax || !isPlain(options)) return undefined
    if (this.#context.durability !== 'group') return undefined
    const known = knownDirectory(this.#context, path)
    if (known === undefined) return undefined
    if (this.#waiting.length === 0) queueMicrotask(() => this.#flush())
    const modifiedMs = this.#context.clock.now()
    const { name, directory } = known
    return new Promise((resolve, reject) => {
      const file = { actor, path, name, directory: directory.summary, bytes, modifiedMs, options, here }
      this.#waiting.push({ ...file, resolve, reject })
    })
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const batch of batches(waiting)) {
      if (batch.files.length < laneBatchFilesMin) createHere(batch)
      else void this.#run(batch)
    }
  }

  /** Never rejects: every file of the batch is told how it ended. */
  async #run(batch: Batch): Promise<void> {
    let durable: Promise<readonly WriteReply[]> | undefined
    try {
      const target = this.#targetOf(batch)
      const { sectorLog2 } = this.#context
      const sealed = await this.#sealer.seal(batch.actor, { target, sectorLog2, files: batch.files })
      durable = sealed && this.#commit(batch, target, sealed)
    } catch {
      // a thread that ended, a cap that was revoked: in place it is said, file by file, what is wrong
    }
    if (durable === undefined) return createHere(batch)
    try {
      const replies = await durable
      for (const [index, { resolve, reject }] of batch.files.entries()) {
        const reply = replies[index]
        if (reply === undefined) reject(new Error('a sealed batch has a reply for each of its files'))
        else resolve(reply)
      }
    } catch (error) {
      for (const { reject } of batch.files) reject(error)
    }
  }

  #targetOf({ actor, directory, files }: Batch): BulkTarget {
    const context = this.#context
    const zone = zoneOfChildren(directory)
    const path = files[0]?.path ?? ''
    return {
      tree: treeId(context),
      directory: directory.block,
      zone,
      isPublic: isPublicZone(context, zone),
      cap: capFor(actor, { home: zone, block: undefined }, right.create, path),
      writeKey: writeKeyFor(context, actor, zone, path)
    }
  }

  /** One synchronous step up to the commit; undefined when something is not as it was. */
  #commit(batch: Batch, target: BulkTarget, sealed: SealedBatch): Promise<readonly WriteReply[]> | undefined {
    const context = this.#context
    const now = this.#targetOf(batch)
    if (!isSame(now.writeKey.epoch, target.writeKey.epoch) || !isSame(now.cap.cap, target.cap.cap))
      return undefined
    if (!batch.files.every((file) => this.#isFree(batch, file))) return undefined
    const { blocks, records, sample } = sealed
    context.directories.expectFiles(blocks)
    const durable = context.tree.commitNewFiles({ sample, blocks, records }, sealed.append)
    if (durable === undefined) {
      context.directories.expectFiles(noBlocks)
      return undefined
    }
    const exposed = context.exposure.of(target.writeKey.epoch)
    const replies = batch.files.map(({ bytes }, index) => ({
      block: blocks.slice(index * 32, index * 32 + 32),
      versionId: records.slice(index * 32, index * 32 + 32),
      size: bytes.length,
      exposed
    }))
    return durable.then(() => replies)
  }

  #isFree({ actor, directory }: Batch, { path, name }: WaitingFile): boolean {
    const named = resolveName(this.#context, actor, path)
    const isThere = equalBytes(named.directory.block, directory.block) && named.name === name
    return isThere && named.existing === undefined
  }
}

const noBlocks = new Uint8Array(0)

/** Nothing is asked for that a batch does not do. */
function isPlain({ ifVersion, metadata, durability, sectorLog2 }: CreateOptions): boolean {
  const isGroup = durability === undefined || durability === 'group'
  const isBare = metadata === undefined || Object.keys(metadata).length === 0
  return ifVersion === undefined && sectorLog2 === undefined && isBare && isGroup
}

function batches(files: readonly WaitingFile[]): readonly Batch[] {
  const all: Batch[] = []
  let last: Batch | undefined
  for (const file of files) {
    const { actor, directory, name } = file
    const fits =
      last !== undefined &&
      last.actor === actor &&
      last.directory === directory &&
      last.files.length < laneBatchFilesMax &&
      !last.names.has(name)
    if (!fits || last === undefined) {
      last = { actor, directory, names: new Set(), files: [] }
      all.push(last)
    }
    last.names.add(name)
    last.files.push(file)
  }
  return all
}

function createHere({ files }: Batch): void {
  for (const { path, bytes, options, here, resolve, reject } of files) {
    try {
      resolve(here(path, bytes, options))
    } catch (error) {
      reject(error)
    }
  }
}

function isSame(before: Id | undefined, after: Id | undefined): boolean {
  return before === undefined || after === undefined ? before === after : equalBytes(before, after)
}
