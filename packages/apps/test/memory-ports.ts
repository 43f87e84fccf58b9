/** Ports of the host side that live in memory: files with versions, timers that a test moves, everything else scripted. */
import { HostFailure } from '../src/host-failure.ts'
import type { FileChange, FileFacts, FilePort, TimerPort } from '../src/ports.ts'

interface Node {
  readonly kind: 'file' | 'directory'
  readonly block: Uint8Array
  content: Uint8Array
  sequence: number
  mediaType: string | undefined
  readonly versions: Uint8Array[]
}

type Watcher = {
  readonly root: string
  readonly isRecursive: boolean
  readonly tell: (changes: readonly FileChange[] | undefined) => void
}

export class MemoryFiles implements FilePort {
  readonly #nodes = new Map<string, Node>()
  readonly watchers: Set<Watcher> = new Set<Watcher>()
  readonly writes: string[] = []
  #blocks = 0

  constructor(directories: readonly string[] = []) {
    for (const path of directories) this.#nodes.set(path, this.#create('directory'))
  }

  put(path: string, text: string | Uint8Array): void {
    const node = this.#create('file')
    node.content = typeof text === 'string' ? new TextEncoder().encode(text) : text
    node.versions.push(node.content)
    this.#nodes.set(path, node)
  }

  text(path: string): string {
    return new TextDecoder().decode(this.#file(path).content)
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  /** What a watcher of the place would be told. */
  change(path: string, kind: FileChange['kind'] = 'changed'): void {
    for (const watcher of this.watchers) {
      if (path === watcher.root || path.startsWith(`${watcher.root}/`)) watcher.tell([{ kind, path }])
    }
  }

  stat(path: string): Promise<FileFacts> {
    return this.#try(() => {
      const node = this.#find(path)
      const { kind, block, content, sequence, mediaType } = node
      return {
        kind,
        size: content.byteLength,
        modified: undefined,
        mediaType,
        block,
        sequence,
        version: versionId(sequence),
        sectorSize: 131_072,
        isConflicted: false
      }
    })
  }

  read(path: string, range: { offset: number; length: number; version?: Uint8Array }): Promise<Uint8Array> {
    return this.#try(() => {
      const node = this.#file(path)
      const content = range.version === undefined ? node.content : node.versions[(range.version[0] ?? 1) - 1]
      if (content === undefined) throw new HostFailure('not-found', 'no such version')
      return content.slice(range.offset, range.offset + range.length)
    })
  }

  async write(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    { expected, mediaType }: Parameters<FilePort['write']>[2]
  ): Promise<Uint8Array> {
    const bytes = content instanceof Uint8Array ? content : Buffer.concat(await Array.fromAsync(content))
    const old = this.#nodes.get(path)
    if (expected.kind === 'absent' && old !== undefined) throw new HostFailure('exists', 'it is there')
    if (expected.kind === 'version' && (old === undefined || expected.value[0] !== old.sequence)) {
      throw new HostFailure('conflict', 'it was changed')
    }
    if (!this.#nodes.has(parentOf(path))) throw new HostFailure('not-found', `${parentOf(path)} is not there`)
    const node = old ?? this.#create('file')
    node.content = Uint8Array.from(bytes)
    node.mediaType = mediaType ?? node.mediaType
    node.versions.push(node.content)
    node.sequence = node.versions.length
    this.#nodes.set(path, node)
    this.writes.push(path)
    this.change(path, old === undefined ? 'created' : 'changed')
    return versionId(node.sequence)
  }

  makeDirectory(path: string): Promise<void> {
    return this.#try(() => {
      if (this.#nodes.has(path)) throw new HostFailure('exists', 'it is there')
      this.#nodes.set(path, this.#create('directory'))
    })
  }

  list(path: string, { after, limit }: Parameters<FilePort['list']>[1]): ReturnType<FilePort['list']> {
    return this.#try(() => {
      this.#find(path)
      const names = [...this.#nodes.keys()]
        .filter((one) => parentOf(one) === path)
        .map((one) => one.slice(path.length + 1))
        .filter((name) => after === undefined || name > after)
        .sort()
      const entries = names.slice(0, limit).map((name) => {
        const { kind, content } = this.#find(`${path}/${name}`)
        return { name, kind, size: content.byteLength, modified: undefined }
      })
      return { entries, next: names.length > limit ? entries.at(-1)?.name : undefined }
    })
  }

  remove(path: string, { isRecursive }: Parameters<FilePort['remove']>[1]): Promise<void> {
    return this.#try(() => {
      this.#find(path)
      const below = [...this.#nodes.keys()].filter((one) => one.startsWith(`${path}/`))
      if (below.length > 0 && !isRecursive) throw new HostFailure('conflict', 'it is not empty')
      for (const one of [path, ...below]) this.#nodes.delete(one)
    })
  }

  move(source: string, target: string): Promise<void> {
    return this.#try(() => {
      this.#nodes.set(target, this.#find(source))
      this.#nodes.delete(source)
    })
  }

  history(path: string, limit: number): ReturnType<FilePort['history']> {
    return this.#try(() =>
      this.#file(path)
        .versions.map((content, index) => ({
          version: versionId(index + 1),
          sequence: index + 1,
          size: content.byteLength,
          signer: new Uint8Array(32),
          modified: undefined
        }))
        .reverse()
        .slice(0, limit)
    )
  }

  storedBytes(path: string): Promise<number> {
    let bytes = 0
    for (const [one, { versions }] of this.#nodes) {
      if (one !== path && !one.startsWith(`${path}/`)) continue
      bytes += versions.reduce((sum, { byteLength }) => sum + byteLength, 0)
    }
    return Promise.resolve(bytes)
  }

  watch(
    root: string,
    { isRecursive }: { readonly isRecursive: boolean },
    tell: (changes: readonly FileChange[] | undefined) => void
  ): { close(): void } {
    const watcher = { root, isRecursive, tell }
    this.watchers.add(watcher)
    return { close: () => void this.watchers.delete(watcher) }
  }

  #create(kind: 'file' | 'directory'): Node {
    this.#blocks += 1
    const block = new Uint8Array(32).fill(this.#blocks)
    return { kind, block, content: new Uint8Array(0), sequence: 1, mediaType: undefined, versions: [] }
  }

  #find(path: string): Node {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new HostFailure('not-found', `${path} is not there`)
    return node
  }

  #file(path: string): Node {
    const node = this.#find(path)
    if (node.kind !== 'file') throw new HostFailure('invalid', `${path} is a directory`)
    return node
  }

  #try<T>(act: () => T): Promise<T> {
    return new Promise((resolve) => resolve(act()))
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function versionId(sequence: number): Uint8Array {
  return new Uint8Array(32).fill(sequence)
}

/** Time that stands still until a test moves it. */
export class ManualTimers implements TimerPort {
  #now = 0
  readonly #waiting = new Set<{ readonly at: number; readonly call: () => void }>()

  start(delayMs: number, call: () => void): () => void {
    const entry = { at: this.#now + delayMs, call }
    this.#waiting.add(entry)
    return () => void this.#waiting.delete(entry)
  }

  monotonic(): number {
    return this.#now
  }

  /** Calls what becomes due, in order. */
  move(byMs: number): void {
    const end = this.#now + byMs
    for (;;) {
      const due = [...this.#waiting].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
      if (due === undefined) break
      this.#waiting.delete(due)
      this.#now = due.at
      due.call()
    }
    this.#now = end
  }

  get waiting(): number {
    return this.#waiting.size
  }
}

/** The failure of a HostFailure; undefined when nothing was thrown. */
export async function failureOf(act: () => unknown): Promise<string | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    if (error instanceof HostFailure) return error.failure
    throw error
  }
}
