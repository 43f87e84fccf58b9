/**
 * A machine in memory: a disk that fails as disks do, an index that loses its last writes, and one process at a time.
 * What a stopped process still holds are files and an index that nobody else uses: each start gets copies.
 */
import type { ProcessTable, StoreDrivers } from '@blocktree/store'
import { createFaultyFileSystem, type FaultyFileSystem } from '@blocktree/store/faulty-file-system'
import { createMemoryIndex, type MemoryIndexDriver } from '@blocktree/store/memory-index'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'

export interface Machine {
  readonly disk: FaultyFileSystem
  readonly index: MemoryIndexDriver
  /** Number of the process that runs on it. */
  readonly process: number
}

/** A disk as it lies there, without a process. */
export interface Image {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly rows: readonly (readonly [key: Uint8Array, value: Uint8Array])[]
  readonly process: number
}

export type Choose = (chance: number) => boolean

export function emptyMachine(): Machine {
  return { disk: createFaultyFileSystem(), index: createMemoryIndex(), process: 1 }
}

export async function imageOf({ disk, index, process }: Machine): Promise<Image> {
  const names = ['', 'segments'].flatMap((directory) =>
    (disk.list(directory) ?? []).map((name) => (directory === '' ? name : `${directory}/${name}`))
  )
  const files = new Map(names.map((name) => [name, disk.contentOf(name) ?? new Uint8Array(0)]))
  const opened = await index.open()
  const rows: (readonly [Uint8Array, Uint8Array])[] = []
  if (typeof opened === 'object' && 'range' in opened) {
    const all = { from: new Uint8Array(0), to: new Uint8Array(80).fill(0xff) }
    for await (const [key, value] of opened.range(all)) rows.push([key, value])
  }
  return { files, rows, process }
}

/** The next process on what an image holds. The index lies there as one write, which no loss of power takes back. */
export async function startFrom(image: Image): Promise<Machine> {
  const machine = emptyMachine()
  machine.disk.makeDirectory('segments')
  for (const [name, content] of image.files) machine.disk.replace(name, content)
  const store = await machine.index.create()
  await store.write(image.rows.map(([key, value]) => ({ key, value })))
  return { ...machine, process: image.process + 1 }
}

/** The process is gone, the machine goes on: nothing that was written is lost. */
export async function afterKill(machine: Machine): Promise<Image> {
  await settle()
  machine.disk.kill()
  return imageOf(machine)
}

/** The power is gone: of what was not synced `choose` keeps some sectors, of the index some first writes. */
export async function afterPowerLoss(machine: Machine, choose: Choose): Promise<Image> {
  await settle()
  const lost = Array.from({ length: machine.index.writes - 1 }, () => choose(0.8)).indexOf(false)
  machine.disk.crash(choose)
  machine.index.rewind(lost < 0 ? machine.index.writes : lost + 1)
  return imageOf(machine)
}

export function driversOf(machine: Machine, random: SeededRandom): StoreDrivers {
  const self = { pid: machine.process, boot: 'boot', started: String(machine.process) }
  const processes: ProcessTable = { self, isRunning: ({ pid }) => pid === machine.process }
  return { files: machine.disk, index: machine.index, processes, random: (length) => random.bytes(length) }
}

/** What a stopped process still had to do in memory is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** True for the error of a disk that was told to stop, also as the cause of another error. */
export function isStop(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'DiskStopped' || isStop(error.cause)
}
