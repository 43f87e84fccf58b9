/**
 * A disk in memory that fails as disks do, for tests. Writes lie in a cache until they are synced; `crash` keeps
 * an arbitrary subset of them, torn at sectors of 512 bytes, and of the directory changes that were not synced a
 * prefix. Operations are numbered and the disk can stop before, after or in the middle of any of them; it can be
 * full, refuse a sync as a broken disk does, and flip bits.
 */
import type { FileSystem, StoreFile } from './file-system.ts'

const sectorBytes = 512

/** Thrown by every operation from the chosen one on: the process is gone. */
export class DiskStopped extends Error {
  override readonly name = 'DiskStopped'
}

export interface FaultyFileSystem extends FileSystem {
  /** Numbers writes, syncs, truncations, renames, creations and removals, from 1. */
  readonly operations: number
  /** Stop in the middle of operation `number`; 0 never stops. */
  stopAt: number
  /** Bytes that may be held in all files; more gives ENOSPC. */
  capacity: number
  /** The next syncs fail with EIO, and what they should have synced is lost although it can still be read. */
  failSyncs: number
  /** The next writes fail with EIO. */
  failWrites: number
  /**
   * Loss of power: what was synced stays, of the rest `choose` decides (false loses it). All open files are closed,
   * and the disk goes on working afterwards.
   */
  crash(choose: (chance: number) => boolean): void
  /** The process is killed, the machine goes on: everything written stays. */
  kill(): void
  flipBit(path: string, offset: number, bit: number): void
  contentOf(path: string): Uint8Array | undefined
  /** Cuts or replaces a file behind the back of the store. */
  replace(path: string, content: Uint8Array | undefined): void
}

interface PendingWrite {
  readonly position: number
  readonly bytes: Uint8Array
}

/** A file that has a content now, and one that survives. */
interface Inode {
  content: Buffer
  length: number
  durable: Buffer
  durableLength: number
  pending: PendingWrite[]
  /** The length was changed by a write or truncation that is not synced. */
  lengthPending: boolean
}

type DirectoryChange = { readonly name: string; readonly inode: Inode | undefined }

export function createFaultyFileSystem(): FaultyFileSystem {
  return new FaultyDisk()
}

class FaultyDisk implements FaultyFileSystem {
  operations = 0
  stopAt = 0
  capacity: number = Number.MAX_SAFE_INTEGER
  failSyncs = 0
  failWrites = 0
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #changes: DirectoryChange[] = []
  #directories = new Set<string>([''])
  #generation = 0
  #stopped = false

  open(path: string, mode: 'read' | 'write' | 'create'): StoreFile {
    this.#assertRunning()
    const held = this.#names.get(path)
    if (mode === 'create') {
      if (held !== undefined) throw failure('EEXIST', `file already exists, open '${path}'`)
      this.#step()
      const inode = emptyInode()
      this.#rename(path, inode)
      return this.#file(inode)
    }
    if (held === undefined) throw failure('ENOENT', `no such file, open '${path}'`)
    return this.#file(held)
  }

  readFile(path: string): Uint8Array | undefined {
    this.#assertRunning()
    return this.contentOf(path)
  }

  list(path: string): readonly string[] | undefined {
    this.#assertRunning()
    if (!this.#directories.has(path)) return undefined
    const prefix = path === '' ? '' : `${path}/`
    const names = [...this.#names.keys()].filter((name) => name.startsWith(prefix))
    return names
      .map((name) => name.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort()
  }

  makeDirectory(path: string): void {
    this.#assertRunning()
    this.#directories.add(path)
  }

  async rename(source: string, target: string): Promise<void> {
    this.#assertRunning()
    const inode = this.#names.get(source)
    if (inode === undefined) throw failure('ENOENT', `no such file, rename '${source}'`)
    this.#step()
    this.#rename(target, inode)
    this.#rename(source, undefined)
  }

  async unlink(path: string): Promise<void> {
    this.#assertRunning()
    if (!this.#names.has(path)) return
    this.#step()
    this.#rename(path, undefined)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#assertRunning()
    this.#step()
    const within = (name: string): boolean => name.slice(0, Math.max(0, name.lastIndexOf('/'))) === path
    for (const change of this.#changes) if (within(change.name)) setName(this.#durableNames, change)
    this.#changes = this.#changes.filter((change) => !within(change.name))
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.capacity - this.#used())
  }

  crash(choose: (chance: number) => boolean): void {
    // Directory changes go through a journal: some prefix of them survived.
    for (const change of this.#changes) {
      if (!choose(0.5)) break
      setName(this.#durableNames, change)
    }
    const inodes = new Set([...this.#durableNames.values()])
    for (const inode of inodes) settleInode(inode, choose)
    this.#names = new Map(this.#durableNames)
    this.#changes = []
    this.#restart()
  }

  kill(): void {
    this.#restart()
  }

  flipBit(path: string, offset: number, bit: number): void {
    const inode = this.#names.get(path)
    if (inode === undefined || offset >= inode.length) throw new RangeError(`no byte ${offset} in ${path}`)
    for (const buffer of [inode.content, inode.durable]) {
      if (offset < buffer.length) buffer[offset] = (buffer[offset] ?? 0) ^ (1 << bit)
    }
  }

  contentOf(path: string): Uint8Array | undefined {
    const inode = this.#names.get(path)
    return inode === undefined ? undefined : new Uint8Array(inode.content.subarray(0, inode.length))
  }

  replace(path: string, content: Uint8Array | undefined): void {
    if (content === undefined) {
      this.#names.delete(path)
      this.#durableNames.delete(path)
      return
    }
    const inode = emptyInode()
    inode.content = Buffer.from(content)
    inode.length = content.length
    inode.durable = Buffer.from(content)
    inode.durableLength = content.length
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  #restart(): void {
    this.#generation++
    this.#stopped = false
    this.stopAt = 0
    this.failSyncs = 0
    this.failWrites = 0
  }

  #rename(name: string, inode: Inode | undefined): void {
    const change = { name, inode }
    setName(this.#names, change)
    this.#changes.push(change)
  }

  #file(inode: Inode): StoreFile {
    const generation = this.#generation
    let open = true
    const check = (): void => {
      if (generation !== this.#generation) throw new DiskStopped('the file was open when the disk stopped')
      if (!open) throw failure('EBADF', 'the file is closed')
      this.#assertRunning()
    }
    const readSync = (buffer: Uint8Array, position: number): number => {
      check()
      const part = inode.content.subarray(
        position,
        Math.max(position, Math.min(inode.length, position + buffer.length))
      )
      buffer.set(part)
      return part.length
    }
    return {
      readSync,
      read: async (buffer, position) => readSync(buffer, position),
      write: async (parts, position) => {
        check()
        const bytes = Buffer.concat(parts)
        this.#write(inode, bytes, position)
      },
      dataSync: async () => {
        check()
        this.#sync(inode)
      },
      truncate: async (length) => {
        check()
        this.#step()
        inode.length = length
        inode.lengthPending = true
        const kept = inode.pending.filter((write) => write.position < length)
        inode.pending = kept.map((write) => ({
          ...write,
          bytes: write.bytes.subarray(0, length - write.position)
        }))
      },
      size: () => {
        check()
        return inode.length
      },
      close: () => {
        open = false
      }
    }
  }

  #write(inode: Inode, bytes: Buffer, position: number): void {
    if (this.failWrites > 0) {
      this.failWrites--
      apply(inode, { position, bytes: bytes.subarray(0, bytes.length >> 1) })
      throw failure('EIO', 'i/o error, write')
    }
    const room = this.capacity - this.#used() + inode.length - position
    if (bytes.length > room) {
      apply(inode, { position, bytes: bytes.subarray(0, Math.max(0, room)) })
      throw failure('ENOSPC', 'no space left on device, write')
    }
    this.#step(() => apply(inode, { position, bytes: bytes.subarray(0, bytes.length >> 1) }))
    apply(inode, { position, bytes })
  }

  #sync(inode: Inode): void {
    if (this.failSyncs > 0) {
      this.failSyncs--
      // The pages are marked clean: they can be read, but will never be written.
      inode.pending = []
      inode.lengthPending = false
      throw failure('EIO', 'i/o error, fdatasync')
    }
    this.#step()
    for (const write of inode.pending) inode.durable = writeInto(inode.durable, write)
    inode.pending = []
    inode.durableLength = inode.length
    inode.lengthPending = false
  }

  /** Counts an operation; the one chosen to stop at is done by `half` only. */
  #step(half?: () => void): void {
    this.operations++
    if (this.operations !== this.stopAt) return
    half?.()
    this.#stopped = true
    throw new DiskStopped(`stopped at operation ${this.operations}`)
  }

  #assertRunning(): void {
    if (this.#stopped) throw new DiskStopped('the disk has stopped')
  }

  #used(): number {
    let used = 0
    for (const inode of this.#names.values()) used += inode.length
    return used
  }
}

function emptyInode(): Inode {
  return {
    content: Buffer.alloc(0),
    length: 0,
    durable: Buffer.alloc(0),
    durableLength: 0,
    pending: [],
    lengthPending: false
  }
}

function setName(names: Map<string, Inode>, { name, inode }: DirectoryChange): void {
  if (inode === undefined) names.delete(name)
  else names.set(name, inode)
}

function apply(inode: Inode, write: PendingWrite): void {
  if (write.bytes.length === 0) return
  // Bytes between a former end and a later write read as zeros.
  if (write.position > inode.length)
    inode.content.fill(0, inode.length, Math.min(write.position, inode.content.length))
  inode.content = writeInto(inode.content, write)
  inode.length = Math.max(inode.length, write.position + write.bytes.length)
  inode.pending.push({ position: write.position, bytes: new Uint8Array(write.bytes) })
  inode.lengthPending = true
}

function writeInto(buffer: Buffer, { position, bytes }: PendingWrite): Buffer {
  const needed = position + bytes.length
  let target = buffer
  if (needed > buffer.length) {
    target = Buffer.alloc(Math.max(needed, buffer.length * 2, 4096))
    buffer.copy(target)
  }
  target.set(bytes, position)
  return target
}

/** After a loss of power: some sectors of some unsynced writes, and one of the lengths in between. */
function settleInode(inode: Inode, choose: (chance: number) => boolean): void {
  const unsynced = inode.lengthPending
  for (const write of inode.pending) {
    for (let start = 0; start < write.bytes.length;) {
      const end = Math.min(write.bytes.length, start + sectorBytes - ((write.position + start) % sectorBytes))
      if (choose(0.5)) {
        const piece = { position: write.position + start, bytes: write.bytes.subarray(start, end) }
        inode.durable = writeInto(inode.durable, piece)
      }
      start = end
    }
  }
  const length = unsynced && choose(0.7) ? inode.length : inode.durableLength
  const content = Buffer.alloc(length)
  inode.durable.copy(content, 0, 0, Math.min(length, inode.durable.length))
  Object.assign(inode, {
    ...emptyInode(),
    content,
    length,
    durable: Buffer.from(content),
    durableLength: length
  })
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
