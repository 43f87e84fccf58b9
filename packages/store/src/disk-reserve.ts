/** A file of zeros that is given back when the disk is full, so that the index can still be brought up to date. */
import type { FileSystem } from './file-system.ts'

const path = 'reserve'

/** Makes the reserve unless it is there or space is short; never fails. */
export async function createReserve(files: FileSystem, bytes: number): Promise<void> {
  try {
    if ((files.list('') ?? []).includes(path)) return
    if (bytes === 0 || (await files.freeBytes()) < 4 * bytes) return
    const file = files.open(path, 'create')
    try {
      await file.write([new Uint8Array(bytes)], 0)
    } finally {
      file.close()
    }
  } catch {
    await freeReserve(files)
  }
}

export async function freeReserve(files: FileSystem): Promise<void> {
  await files.unlink(path).catch(() => undefined)
}
