/**
 * The bound `storageBytes` of an app's own files (doc/spec/17-app-package.md, limits): a file port whose writes below one
 * directory fail with `no-space` when the content there would exceed it. What lies there is counted once, at the first
 * write, and followed from then on; after changes at the same time it is counted again. Every version that is still
 * stored counts: a file that is written anew takes room for both, until it is removed. What a person chose is the
 * person's, not the app's.
 */
import { HostFailure } from './host-failure.ts'
import type { FilePort } from './ports.ts'

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
    storedBytes: (path) => files.storedBytes(path),
    watch: (path, options, onChange) => files.watch(path, options, onChange),
    write: (path, content, write) =>
      usage.holds(path)
        ? usage.write(content, (counted) => files.write(path, counted, write))
        : files.write(path, content, write),
    remove: (path, options) =>
      usage.change(async () => {
        const bytes = usage.holds(path) ? await files.storedBytes(path) : 0
        await files.remove(path, options)
        return { reply: undefined, growth: -bytes }
      }),
    move: (source, target) =>
      usage.change(async () => {
        if (usage.holds(source) === usage.holds(target)) {
          await files.move(source, target)
          return { reply: undefined, growth: 0 }
        }
        const bytes = await files.storedBytes(source)
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
  async expectRoom(bytes: number, claim?: { bytes: number }): Promise<void> {
    this.#counted ??= this.#files.storedBytes(this.#quota.directory)
    const stored = await this.#counted.catch((error: unknown) => {
      this.#counted = undefined
      throw error
    })
    if (stored + this.#pending + bytes > this.#quota.bytesMax) {
      throw new HostFailure('no-space', `the app may keep ${this.#quota.bytesMax} bytes in files of its own`)
    }
    // In the same step as the comparison, or changes at the same time would all find the same room.
    if (claim === undefined) return
    claim.bytes += bytes
    this.#pending += bytes
  }

  async write<Reply>(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    store: (content: Uint8Array | AsyncIterable<Uint8Array>) => Promise<Reply>
  ): Promise<Reply> {
    const claim = { bytes: 0 }
    try {
      return await this.change(async () => {
        await this.expectRoom(0)
        if (content instanceof Uint8Array) await this.#claim(claim, content.byteLength)
        const reply = await store(content instanceof Uint8Array ? content : this.#follow(content, claim))
        return { reply, growth: claim.bytes }
      })
    } finally {
      this.#pending -= claim.bytes
    }
  }

  async *#follow(
    content: AsyncIterable<Uint8Array>,
    claim: { bytes: number }
  ): AsyncGenerator<Uint8Array, void> {
    for await (const part of content) {
      await this.#claim(claim, part.byteLength)
      yield part
    }
  }

  async #claim(claim: { bytes: number }, bytes: number): Promise<void> {
    await this.expectRoom(bytes, claim)
  }
}
