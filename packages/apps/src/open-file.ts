/** A file that an app has open: reads of one version, writes that become one new version at `commit`. */
import type { Host } from '@blocktree/app-package'
import type { GrantTable } from './grant-table.ts'
import { type GuestPath, treePath } from './grant-path.ts'
import type { Held } from './handle-table.ts'
import { HostFailure, fail } from './host-failure.ts'
import { pendingBytesMax } from './limits.ts'
import { ContentFeed, PendingWrite } from './pending-write.ts'
import type { FilePort } from './ports.ts'

const partBytes = 1024 * 1024 // of a file that is written anew from pieces

export interface OpenFileOptions {
  readonly files: FilePort
  readonly grants: GrantTable
  readonly path: GuestPath
  readonly mode: Host.OpenMode
  readonly size: number
  /** Shown when it was opened; undefined for a file that is not there yet. */
  readonly version: Uint8Array | undefined
}

export class OpenFile implements Held {
  readonly #files: FilePort
  readonly #grants: GrantTable
  readonly #path: GuestPath
  readonly #mode: Host.OpenMode
  #version: Uint8Array | undefined
  #size: number
  #pending: PendingWrite | undefined
  /** A file written in order, whose parts are stored as they come. */
  #feed: { readonly content: ContentFeed; readonly stored: Promise<Uint8Array> } | undefined

  constructor(options: OpenFileOptions) {
    this.#files = options.files
    this.#grants = options.grants
    this.#path = options.path
    this.#mode = options.mode
    this.#version = options.version
    this.#size = options.size
    if (options.mode.truncate && options.size > 0) this.#pendingWrite().setSize(0)
  }

  /** Content of the version that was opened, with what was written since. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!this.#mode.read) return fail('invalid', 'the file was not opened for reading')
    const path = treePath(this.#grants, this.#path, 'read')
    if (this.#feed !== undefined)
      return fail('invalid', 'what is being stored in order is read after its commit')
    const readOld = (from: number, count: number): Promise<Uint8Array> => this.#readOld(path, from, count)
    if (this.#pending !== undefined) return await this.#pending.read(offset, length, readOld)
    const end = Math.min(offset + length, this.#size)
    return end <= offset ? new Uint8Array(0) : await readOld(offset, end - offset)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#expectWriting()
    if (this.#feed !== undefined) return await this.#goOn(this.#feed, offset, bytes)
    const pending = this.#pendingWrite()
    const isInOrder = offset === pending.size && this.#isNew()
    if (isInOrder && pending.size + bytes.byteLength > pendingBytesMax / 2) {
      await this.#storeInOrder(pending, bytes)
    } else pending.write(offset, bytes)
  }

  setSize(size: number): void {
    this.#expectWriting()
    if (this.#feed !== undefined) fail('invalid', 'the size of what is being stored in order cannot be set')
    this.#pendingWrite().setSize(size)
  }

  /** The new version; undefined when nothing was written and the file is there. */
  async commit(expected: Host.Expectation, mediaType: string | undefined): Promise<Uint8Array> {
    this.#expectWriting()
    const version =
      this.#feed === undefined
        ? await this.#commitPieces(expected, mediaType)
        : await this.#commitFeed(this.#feed, expected)
    this.#version = version
    this.#pending = undefined
    this.#feed = undefined
    return version
  }

  /** Path in the tree, for a lock on it. Fails with `denied`. */
  lockedPath(): string {
    return treePath(this.#grants, this.#path, 'write')
  }

  /** Size of the content as a reader of this handle sees it. */
  get size(): number {
    return this.#feed?.content.size ?? this.#pending?.size ?? this.#size
  }

  release(): void {
    this.#pending = undefined
    this.#feed?.content.abort(new HostFailure('closed', 'the file was closed before its commit'))
    this.#feed = undefined
  }

  #expectWriting(): void {
    if (!this.#mode.write) fail('invalid', 'the file was not opened for writing')
    treePath(this.#grants, this.#path, 'write')
  }

  #pendingWrite(): PendingWrite {
    this.#pending ??= new PendingWrite(this.#size)
    return this.#pending
  }

  /** Nothing of an old content is kept. */
  #isNew(): boolean {
    return this.#version === undefined || this.#size === 0 || this.#mode.truncate
  }

  async #storeInOrder(pending: PendingWrite, bytes: Uint8Array): Promise<void> {
    const content = new ContentFeed()
    const path = treePath(this.#grants, this.#path, 'write')
    const expected = this.#asOpened()
    const stored = this.#files.write(path, content, { expected, mediaType: undefined })
    stored.catch(() => content[Symbol.asyncIterator]().return?.()) // told at the commit
    this.#feed = { content, stored }
    this.#pending = undefined
    for await (const part of pending.content(partBytes, noOld)) await content.give(part)
    await content.give(bytes)
  }

  async #goOn(
    { content }: { readonly content: ContentFeed },
    offset: number,
    bytes: Uint8Array
  ): Promise<void> {
    if (offset < content.size) {
      fail('budget', `more than ${pendingBytesMax} uncommitted bytes can only be written in order`)
    }
    await content.fill(offset)
    await content.give(bytes)
  }

  async #commitPieces(expected: Host.Expectation, mediaType: string | undefined): Promise<Uint8Array> {
    const path = treePath(this.#grants, this.#path, 'write')
    const pending = this.#pendingWrite()
    const readOld = (from: number, count: number): Promise<Uint8Array> => this.#readOld(path, from, count)
    const content =
      pending.size <= partBytes
        ? await pending.read(0, pending.size, readOld)
        : pending.content(partBytes, readOld)
    const version = await this.#files.write(path, content, { expected, mediaType })
    this.#size = pending.size
    return version
  }

  async #commitFeed(
    { content, stored }: { readonly content: ContentFeed; readonly stored: Promise<Uint8Array> },
    expected: Host.Expectation
  ): Promise<Uint8Array> {
    if (!isSameExpectation(expected, this.#asOpened()) && expected.kind !== 'anything') {
      content.abort(new HostFailure('conflict', 'the file is not as expected'))
    } else content.end()
    const version = await stored
    this.#size = content.size
    return version
  }

  /** A large file is stored over what was there when it was opened, or not at all. */
  #asOpened(): Host.Expectation {
    return this.#version === undefined ? { kind: 'absent' } : { kind: 'version', value: this.#version }
  }

  async #readOld(path: string, offset: number, length: number): Promise<Uint8Array> {
    if (this.#version === undefined) return new Uint8Array(0)
    return await this.#files.read(path, { offset, length, version: this.#version })
  }
}

function noOld(_offset: number, length: number): Promise<Uint8Array> {
  return Promise.resolve(new Uint8Array(length))
}

function isSameExpectation(one: Host.Expectation, other: Host.Expectation): boolean {
  if (one.kind !== 'version' || other.kind !== 'version') return one.kind === other.kind
  return one.value.every((byte, index) => byte === other.value[index])
}
