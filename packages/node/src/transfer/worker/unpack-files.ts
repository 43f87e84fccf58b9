/**
 * Files and links of one directory of the tree, written to the destination. Headers are opened first, then the main
 * thread is asked once where all sectors lie, then the files are written.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import { TreeError, blockKind, invalidName, isHole, isValidName } from '@blocktree/tree'
import { unpackBytesMax, unpackSmallMax } from '../limits.ts'
import { systemReason } from '../transfer-problem.ts'
import type {
  FileFailure,
  LargeFile,
  RangeResult,
  RangeWork,
  UnpackResult,
  UnpackWork
} from '../worker-message.ts'
import { type OpenContext, type OpenedHeader, openAt, recordAt } from './open-headers.ts'
import { abandonPart, createLink, createPart, finishPart, partPath, restoredMode } from './part-file.ts'
import {
  type Payload,
  extendTo,
  openOnlySector,
  payloadOf,
  writeFully,
  writeNodes
} from './payload-writing.ts'
import { wholeMs } from './seal-source.ts'
import { MissingBytes, type Place, placeAt } from './store-access.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const noPlace: Place = { segment: 0, offset: 0, length: 0 }

interface Item {
  readonly index: number
  readonly name: string
  readonly block: Uint8Array
  readonly header: OpenedHeader
  readonly payload: Payload | undefined
  /** Number of its sector among those asked for. */
  asked: number
}

class Unpacking {
  readonly context: OpenContext
  readonly work: UnpackWork
  readonly failures: UnpackResult['failures'][number][] = []
  readonly large: LargeFile[] = []
  files = 0
  symlinks = 0
  bytes = 0
  unchanged = 0
  /** Bytes that this task is to write. */
  #wanted = 0

  constructor(context: OpenContext, work: UnpackWork) {
    this.context = context
    this.work = work
  }

  async run(): Promise<UnpackResult> {
    const items = await this.#open()
    const places = await this.#places(items)
    for (const item of items) {
      await this.#guard(item.index, item.name, async () => {
        const place = item.asked < 0 ? noPlace : placeAt(places, item.asked)
        if (this.work.isLink[item.index] === 1) await this.#writeLink(item, place)
        else await this.#writeFile(item, place)
      })
    }
    const { files, symlinks, bytes, unchanged, large, failures } = this
    return { files, symlinks, bytes, unchanged, large, failures }
  }

  /** What has to be written, with its header opened. */
  async #open(): Promise<Item[]> {
    const { work } = this
    const items: Item[] = []
    for (let index = 0; index < work.records.length / 32; index++) {
      const block = recordAt(work.blocks, index)
      await this.#guard(index, work.shownNames[index] ?? invalidName(block), async () => {
        const header = await openAt(this.context, work, index)
        if (header === undefined) {
          this.#fail(
            index,
            work.shownNames[index] ?? invalidName(block),
            'ERR_ENTRY_DENIED',
            'no grant opens it'
          )
          return
        }
        const sealed = header.opened.name
        const name = work.shownNames[index] ?? (isValidName(sealed) ? sealed : invalidName(block))
        const item = { index, name, block, header, payload: payloadOf(header), asked: -1 }
        if (this.#isWanted(item)) items.push(item)
      })
    }
    return items
  }

  /** False for what is there already, what may not be replaced, and what would make this task long: tasks of its own. */
  #isWanted(item: Item): boolean {
    const { metadata, size } = item.header.opened
    const isLink = item.header.record.body.birth.kind === blockKind.symlink
    if (!isLink && this.#isPresent(item, size, metadata)) return false
    const isOneSector = (item.payload?.descriptor.levels ?? 0) === 0
    if (isLink || isOneSector || size <= unpackSmallMax || this.#wanted + size <= unpackBytesMax) {
      this.#wanted += size
      return true
    }
    this.large.push({
      index: item.index,
      name: item.name,
      size,
      modifiedMs: metadata.modifiedMs,
      mode: metadata.mode
    })
    return false
  }

  #isPresent(
    item: Item,
    size: number,
    attributes: { modifiedMs: number | undefined; mode: number | undefined }
  ): boolean {
    if (this.work.isFresh) return false
    const status = lstatSync(`${this.work.path}/${item.name}`, { throwIfNoEntry: false })
    if (status === undefined) return false
    const mode = restoredMode(attributes.mode)
    const isSame =
      status.isFile() &&
      status.size === size &&
      wholeMs(status.mtimeMs) === attributes.modifiedMs &&
      (mode === undefined || (status.mode & 0o1777) === mode)
    if (isSame) {
      this.unchanged++
      return true
    }
    if (status.isDirectory())
      this.#fail(item.index, item.name, 'ERR_ENTRY_EXISTS', 'a directory has its name')
    else if (!this.work.replace)
      this.#fail(item.index, item.name, 'ERR_ENTRY_EXISTS', 'another file has its name')
    else return false
    return true
  }

  async #places(items: readonly Item[]): Promise<Float64Array> {
    const wanted = items.filter(({ payload, header }) => {
      return (
        payload !== undefined &&
        payload.descriptor.levels === 0 &&
        header.inline === undefined &&
        !isHole(payload.root)
      )
    })
    const hashes = new Uint8Array(wanted.length * 32)
    for (const [asked, item] of wanted.entries()) {
      item.asked = asked
      hashes.set(item.header.record.body.payload?.rootHash ?? noHash, asked * 32)
    }
    return wanted.length === 0 ? new Float64Array(0) : await this.context.asking.places(hashes)
  }

  async #writeFile(item: Item, place: Place): Promise<void> {
    const { opened } = item.header
    const content = await this.#smallContent(item, place)
    const path = partPath(this.work.path, item.block)
    const fd = createPart(path, opened.metadata.mode)
    try {
      if (content !== undefined) writeFully(fd, content, 0)
      else await this.#writeContent(item, fd)
    } catch (error) {
      abandonPart(fd, path)
      throw error
    }
    finishPart(fd, path, `${this.work.path}/${item.name}`, opened.metadata)
    this.files++
    this.bytes += opened.size
  }

  async #writeContent({ payload, header }: Item, fd: number): Promise<void> {
    if (payload === undefined) return
    if (payload.descriptor.levels > 0) {
      const first = payload.descriptor.sectorLog2 + 8
      await writeNodes(this.context, payload, fd, { first: 0, end: Math.ceil(payload.size / 2 ** first) })
    }
    extendTo(fd, header.opened.size)
  }

  /** The bytes of a file of one sector; undefined for holes and for larger files. */
  async #smallContent({ payload, header }: Item, place: Place): Promise<Uint8Array | undefined> {
    if (payload === undefined || payload.descriptor.levels > 0 || isHole(payload.root)) return undefined
    const { store, asking, crypto } = this.context
    if (header.inline !== undefined && Buffer.from(crypto.sha256(header.inline)).equals(payload.root.hash)) {
      return openOnlySector(this.context, payload, header.inline)
    }
    const bytes =
      store.readSector(payload.root.hash, place) ?? (await store.askSector(payload.root.hash, asking))
    return openOnlySector(this.context, payload, bytes)
  }

  async #writeLink(item: Item, place: Place): Promise<void> {
    const content = await this.#smallContent(item, place)
    const target = content === undefined ? '' : utf8.decode(content)
    const name = `${this.work.path}/${item.name}`
    const status = this.work.isFresh ? undefined : lstatSync(name, { throwIfNoEntry: false })
    if (status?.isSymbolicLink() === true && readlinkSync(name) === target) {
      this.unchanged++
      return
    }
    if (status !== undefined && (!this.work.replace || status.isDirectory())) {
      this.#fail(item.index, item.name, 'ERR_ENTRY_EXISTS', 'something else has its name')
      return
    }
    createLink(partPath(this.work.path, item.block), name, target, item.header.opened.metadata.modifiedMs)
    this.symlinks++
  }

  /** Turns what one entry does wrong into a problem of it. */
  async #guard(index: number, name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof TreeError || error instanceof MissingBytes) {
        this.#fail(index, name, 'ERR_ENTRY_DAMAGED', error.message)
      } else if (error instanceof TypeError)
        this.#fail(index, name, 'ERR_ENTRY_LINK', 'its target is no text')
      else if (error instanceof Error && 'syscall' in error) {
        this.#fail(index, name, 'ERR_ENTRY_UNWRITABLE', systemReason(error))
      } else throw error
    }
  }

  #fail(index: number, name: string, code: FileFailure['code'], reason: string): void {
    this.failures.push({ index, name, code, reason })
  }
}

const noHash = new Uint8Array(32)

export function unpackFiles(context: OpenContext, work: UnpackWork): Promise<UnpackResult> {
  return new Unpacking(context, work).run()
}

/** A part of a large file, whole nodes of level 1. */
export async function writeRange(context: OpenContext, work: RangeWork): Promise<RangeResult> {
  const header = await openAt(context, work, 0)
  const payload = header === undefined ? undefined : payloadOf(header)
  if (payload === undefined) throw new MissingBytes('no grant opens it')
  return { bytes: await writeNodes(context, payload, work.fd, { first: work.from, end: work.to }) }
}
