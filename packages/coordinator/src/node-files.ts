/** The files of a member's storage on a real disk. */
import { type FileHandle, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { StorageFiles } from './file-storage.ts'

/** @param directory is made when it is missing (mode 0700) */
export async function openNodeFiles(directory: string): Promise<StorageFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const handles = new Map<string, FileHandle>()
  const path = (name: string): string => join(directory, name)
  const drop = async (name: string): Promise<void> => {
    await handles.get(name)?.close()
    handles.delete(name)
  }
  return {
    async read(name) {
      const content = await orNothing(readFile(path(name)))
      return content === undefined ? undefined : new Uint8Array(content)
    },
    async replace(name, bytes) {
      const temporary = path(`${name}.new`)
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(temporary, path(name))
      await syncDirectory(directory)
    },
    async append(name, position, bytes) {
      let file = handles.get(name)
      if (file === undefined) {
        file = await open(path(name), (await exists(path(name))) ? 'r+' : 'w', 0o600)
        handles.set(name, file)
        await file.truncate(position)
        await syncDirectory(directory)
      }
      await writeAll(file, bytes, position)
      await file.datasync()
    },
    async remove(name) {
      await drop(name)
      await orNothing(unlink(path(name)))
    },
    async close() {
      for (const name of handles.keys()) await drop(name)
    }
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

async function exists(path: string): Promise<boolean> {
  const file = await orNothing(open(path, 'r'))
  await file?.close()
  return file !== undefined
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function orNothing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
