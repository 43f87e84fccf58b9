/**
 * A machine: a disk that fails as disks do, an index that loses its last writes, and one process at a time. What a stopped
 * process still holds are files that nobody else uses: the next process gets copies.
 */
import type { ProcessTable } from '@blocktree/store'
import { type FaultyFileSystem, createFaultyFileSystem } from '@blocktree/store/faulty-file-system'
import { type MemoryIndexDriver, createMemoryIndex } from '@blocktree/store/memory-index'
import type { StorageFiles } from '@blocktree/coordinator'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'

const storeDirectories = ['', 'segments']
const directories = [...storeDirectories, 'coordinator']
/** Of the writes of the index that were not synced, about this share survives a loss of power. */
const keptShare = 0.8

export class Machine {
  #disk: FaultyFileSystem = createFaultyFileSystem()
  #index: MemoryIndexDriver = createMemoryIndex()
  #process = 1
  #image: Content | undefined

  get disk(): FaultyFileSystem {
    return this.#disk
  }

  /** Number of the process that runs, or ran last. */
  get process(): number {
    return this.#process
  }

  /** What a store opens; belongs to the process that asks. */
  drivers(random: SeededRandom): {
    readonly files: FaultyFileSystem
    readonly index: MemoryIndexDriver
    readonly processes: ProcessTable
    readonly random: (length: number) => Uint8Array
  } {
    const pid = this.#process
    const self = { pid, boot: 'boot', started: String(pid) }
    const processes: ProcessTable = { self, isRunning: (identity) => identity.pid === this.#process }
    return { files: this.#disk, index: this.#index, processes, random: (length) => random.bytes(length) }
  }

  /** The process is gone, the machine goes on: nothing that was written is lost. */
  async kill(): Promise<void> {
    this.#disk.kill()
    await this.#handOver()
  }

  /** The power is gone: of what was not synced, chance keeps some sectors, and of the index some first writes. */
  async losePower(random: SeededRandom): Promise<void> {
    const lost = Array.from({ length: this.#index.writes - 1 }, () => random.chance(keptShare)).indexOf(false)
    this.#disk.crash((chance) => random.chance(chance))
    this.#index.rewind(lost < 0 ? this.#index.writes : lost + 1)
    await this.#handOver()
  }

  /** One bit of the segments of the store is another one from now on. @returns where; undefined while there are none */
  flipContentBit(random: SeededRandom): string | undefined {
    const names = this.#disk.list('segments') ?? []
    const sizes = names.map((name) => this.#disk.contentOf(`segments/${name}`)?.length ?? 0)
    let offset = random.below(
      Math.max(
        1,
        sizes.reduce((sum, size) => sum + size, 0)
      )
    )
    for (const [index, name] of names.entries()) {
      const size = sizes[index] ?? 0
      if (offset < size) {
        this.#disk.flipBit(`segments/${name}`, offset, random.below(8))
        return `${name} at ${offset}`
      }
      offset -= size
    }
    return undefined
  }

  /** The same in the index. */
  flipIndexBit(random: SeededRandom): boolean {
    return this.#index.flipBit(random.number(), random.below(8))
  }

  /** The index has to be made again from the segments, as after `check --rebuild-index`. */
  removeIndex(): void {
    this.#index.remove()
  }

  /** Remembers what the disk of the store holds now, to be put back later. */
  async keepImage(): Promise<void> {
    this.#image = await contentOf(this.#disk, this.#index, storeDirectories)
  }

  get hasImage(): boolean {
    return this.#image !== undefined
  }

  /** The disk of the store is as it was when the image was made; call it while no process runs. The coordinator's stays. */
  async putBack(): Promise<void> {
    const image = this.#image
    if (image === undefined) return
    this.#image = undefined
    const own = await contentOf(this.#disk, this.#index, ['coordinator'])
    await this.#start({ ...image, files: [...image.files, ...own.files] })
  }

  /** Another machine with the same content, without a process. */
  async copy(): Promise<Machine> {
    const machine = new Machine()
    machine.#process = this.#process
    machine.#disk = this.#disk
    machine.#index = this.#index
    await machine.#handOver()
    return machine
  }

  /** The files of the coordinator, on the same disk. */
  coordinatorFiles(): StorageFiles {
    const disk = this.#disk
    const path = (name: string): string => `coordinator/${name}`
    disk.makeDirectory('coordinator')
    return {
      read: (name) => Promise.resolve(disk.readFile(path(name))),
      async replace(name, bytes) {
        const temporary = path(`${name}.new`)
        await disk.unlink(temporary)
        await write(disk, temporary, 'create', 0, bytes)
        await disk.rename(temporary, path(name))
        await disk.syncDirectory('coordinator')
      },
      async append(name, position, bytes) {
        const isNew = disk.readFile(path(name)) === undefined
        await write(disk, path(name), isNew ? 'create' : 'write', position, bytes)
        if (isNew) await disk.syncDirectory('coordinator')
      },
      remove: (name) => disk.unlink(path(name)),
      close: () => Promise.resolve()
    }
  }

  async #handOver(): Promise<void> {
    await this.#start(await contentOf(this.#disk, this.#index, directories))
  }

  /** What the next process finds; the index lies there as one write, which no loss of power takes back. */
  async #start({ files, rows }: Content): Promise<void> {
    const [disk, index] = [createFaultyFileSystem(), createMemoryIndex()]
    for (const directory of directories) disk.makeDirectory(directory)
    for (const { path, bytes } of files) disk.replace(path, bytes)
    if (rows !== undefined) await (await index.create()).write(rows)
    this.#disk = disk
    this.#index = index
    this.#process++
  }
}

interface Content {
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array | undefined }[]
  /** undefined: there is no index. */
  readonly rows: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[] | undefined
}

async function contentOf(
  disk: FaultyFileSystem,
  index: MemoryIndexDriver,
  from: readonly string[]
): Promise<Content> {
  const opened = await index.open()
  const all = { from: new Uint8Array(0), to: new Uint8Array(80).fill(0xff) }
  // Files and rows of one moment: nothing is waited for between them.
  const scan = typeof opened === 'object' && 'range' in opened ? opened.range(all) : undefined
  const files = from.flatMap((directory) =>
    (disk.list(directory) ?? []).map((name) => {
      const path = directory === '' ? name : `${directory}/${name}`
      return { path, bytes: disk.contentOf(path) }
    })
  )
  if (scan === undefined) return { files, rows: undefined }
  const rows: { readonly key: Uint8Array; readonly value: Uint8Array }[] = []
  for await (const [key, value] of scan) rows.push({ key, value })
  return { files, rows }
}

async function write(
  disk: FaultyFileSystem,
  path: string,
  mode: 'write' | 'create',
  position: number,
  bytes: Uint8Array
): Promise<void> {
  const file = disk.open(path, mode)
  try {
    if (file.size() > position) await file.truncate(position)
    await file.write([bytes], position)
    await file.dataSync()
  } finally {
    file.close()
  }
}
