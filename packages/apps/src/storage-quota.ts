/**
 * The bound `storageBytes` of an app's own files (doc/spec/17-app-package.md, limits): a file port whose writes below one
 * directory fail with `no-space` when the content there would exceed it. What lies there is counted once, at the first
 * write, and followed from then on; after changes at
 * the same time it is counted again. The last version of each file counts; what a person chose is the person's, not the app's.
 */
import type { Host } from '@blocktree/app-package'
import { HostFailure } from './host-failure.ts'
import type { FilePort } from './ports.ts'

const pageEntries = 1000 // of a listing while what lies there is counted

export interface StorageQuota {
  readonly directory: string
  readonly bytesMax: number
}

/** The port itself, with bounded writes. */
export function limitStorage(files: FilePort, quota: StorageQuota): FilePort {
  const usage = new StorageUsage(files, quota)
  return {
    stat: (path) => files.stat(path),
    read: (path, range) => files.read(path, range),
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path, page) => files.list(path, page),
    history: (path, limit) => files.history(path, limit),
    watch: (path, options, onChange) => files.watch(path, options, onChange),
    write: (path, content, write) =>
      usage.holds(path)
        ? usage.write(path, content, (counted) => files.write(path, counted, write))
        : files.write(path, content, write),
    remove: (path, options) =>
      usage.change(async () => {
        const bytes = usage.holds(path) ? await bytesAt(files, path) : 0
        await files.remove(path, options)
        return { reply: undefined, growth: -bytes }
      }),
    move: (source, target) =>
      usage.change(async () => {
        if (usage.holds(source) === usage.holds(target)) {
          await files.move(source, target)
          return { reply: undefined, growth: 0 }
        }
        const bytes = await bytesAt(files, source)
        if (usage.holds(target)) await usage.expectRoom(bytes)
        await files.move(source, target)
        return { reply: undefined, growth: usage.holds(target) ? bytes : -bytes }
      })
  }
}

class StorageUsage {
  readonly #files: FilePort
  readonly #quota: StorageQuota
  /** Of what is stored; undefined when it has to be counted again. */
  #counted: Promise<number> | undefined
  /** Of writes that have not ended. */
  #pending = 0
  #running = 0
  #isOverlapped = false

  constructor(files: FilePort, quota: StorageQuota) {
    this.#files = files
    this.#quota = quota
  }

  holds(path: string): boolean {
    const { directory } = this.#quota
    return path === directory || path.startsWith(`${directory}/`)
  }

  /** Sizes of changes at the same time may have been seen twice: then all is counted again. */
  async change<Reply>(
    act: () => Promise<{ readonly reply: Reply; readonly growth: number }>
  ): Promise<Reply> {
    this.#running += 1
    this.#isOverlapped ||= this.#running > 1
    try {
      const { reply, growth } = await act()
      const counted = this.#counted
      if (counted !== undefined) this.#counted = counted.then((bytes) => bytes + growth)
      return reply
    } finally {
      this.#running -= 1
      if (this.#isOverlapped) this.#counted = undefined
      if (this.#running === 0) this.#isOverlapped = false
    }
  }

  /** Fails with `no-space`. */
  async expectRoom(bytes: number, claim?: { bytes: number }, claimed = 0): Promise<void> {
    this.#counted ??= bytesAt(this.#files, this.#quota.directory)
    const stored = await this.#counted.catch((error: unknown) => {
      this.#counted = undefined
      throw error
    })
    if (stored + this.#pending + bytes > this.#quota.bytesMax) {
      throw new HostFailure('no-space', `the app may keep ${this.#quota.bytesMax} bytes in files of its own`)
    }
    // In the same step as the comparison, or changes at the same time would all find the same room.
    if (claim !== undefined) claim.bytes += claimed
    this.#pending += claimed
  }

  async write<Reply>(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    store: (content: Uint8Array | AsyncIterable<Uint8Array>) => Promise<Reply>
  ): Promise<Reply> {
    const claim = { bytes: 0 }
    try {
      return await this.change(async () => {
        const replaced = await bytesAt(this.#files, path)
        await this.expectRoom(-replaced)
        if (content instanceof Uint8Array) await this.#claim(claim, content.byteLength, replaced)
        const stored = content instanceof Uint8Array ? content : this.#follow(content, claim, replaced)
        const reply = await store(stored)
        return { reply, growth: claim.bytes - replaced }
      })
    } finally {
      this.#pending -= claim.bytes
    }
  }

  async *#follow(
    content: AsyncIterable<Uint8Array>,
    claim: { bytes: number },
    replaced: number
  ): AsyncGenerator<Uint8Array, void> {
    for await (const part of content) {
      await this.#claim(claim, part.byteLength, replaced)
      yield part
    }
  }

  async #claim(claim: { bytes: number }, bytes: number, replaced: number): Promise<void> {
    await this.expectRoom(bytes - replaced, claim, bytes)
  }
}

/** Of the file, or of all files below the directory; 0 when nothing is there. */
async function bytesAt(files: FilePort, path: string): Promise<number> {
  try {
    const { kind, size } = await files.stat(path)
    if (kind !== 'directory') return size
  } catch (error) {
    if (error instanceof HostFailure && error.failure === 'not-found') return 0
    throw error
  }
  let bytes = 0
  let after: string | undefined
  do {
    const page: Host.EntryPage = await files.list(path, { after, limit: pageEntries })
    for (const { name, kind, size } of page.entries)
      bytes += kind === 'directory' ? await bytesAt(files, `${path}/${name}`) : size
    after = page.next
  } while (after !== undefined)
  return bytes
}
