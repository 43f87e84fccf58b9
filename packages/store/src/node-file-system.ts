/** The `FileSystem` port over `node:fs`, rooted in one directory. */
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncate,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  read,
  rename,
  statfs,
  unlink,
  write,
  writev
} from 'node:fs'
import { join } from 'node:path'
import type { FileSystem, StoreFile } from './file-system.ts'
import { systemCode } from './store-error.ts'

const flagsOf = { read: 'r', write: 'r+', create: 'wx+' } as const
const vectorsMax = 512 // IOV_MAX is 1,024 on Linux

export function createNodeFileSystem(root: string): FileSystem {
  const at = (path: string): string => (path === '' ? root : join(root, path))
  return {
    open: (path, mode) => createFile(openSync(at(path), flagsOf[mode], 0o600)),
    readFile: (path) => whenPresent(() => readFileSync(at(path))),
    list: (path) => whenPresent(() => readdirSync(at(path)).sort()),
    makeDirectory(path) {
      mkdirSync(at(path), { recursive: true, mode: 0o700 })
    },
    rename: (source, target) => settle((done) => rename(at(source), at(target), done)),
    unlink: (path) =>
      settle((done) => unlink(at(path), (error) => done(error?.code === 'ENOENT' ? null : error))),
    async syncDirectory(path) {
      const descriptor = openSync(at(path), 'r')
      try {
        await settle((done) => fsync(descriptor, done))
      } finally {
        closeSync(descriptor)
      }
    },
    freeBytes: () =>
      new Promise((resolve, reject) => {
        statfs(root, (error, stats) => (error ? reject(error) : resolve(stats.bavail * stats.bsize)))
      })
  }
}

function createFile(descriptor: number): StoreFile {
  let open = true
  return {
    readSync(buffer, position) {
      let count = 0
      while (count < buffer.length) {
        const got = readSync(descriptor, buffer, count, buffer.length - count, position + count)
        if (got === 0) break
        count += got
      }
      return count
    },
    async read(buffer, position) {
      let count = 0
      while (count < buffer.length) {
        const got = await readOnce(descriptor, buffer, count, position + count)
        if (got === 0) break
        count += got
      }
      return count
    },
    async write(parts, position) {
      let offset = position
      for (let start = 0; start < parts.length; start += vectorsMax) {
        offset += await writeAll(descriptor, parts.slice(start, start + vectorsMax), offset)
      }
    },
    dataSync: () => settle((done) => fdatasync(descriptor, done)),
    truncate: (length) => settle((done) => ftruncate(descriptor, length, done)),
    size: () => fstatSync(descriptor).size,
    close() {
      if (open) closeSync(descriptor)
      open = false
    }
  }
}

function readOnce(descriptor: number, buffer: Uint8Array, start: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, start, buffer.length - start, position, (error, count) =>
      error ? reject(error) : resolve(count)
    )
  })
}

/** A short write is continued from where it stopped: only a full disk ends it, and that is an error. */
async function writeAll(descriptor: number, parts: readonly Uint8Array[], position: number): Promise<number> {
  let total = 0
  let rest = parts
  while (rest.length > 0) {
    const count = await writeSome(descriptor, rest, position + total)
    total += count
    rest = dropBytes(rest, count)
  }
  return total
}

function writeSome(descriptor: number, parts: readonly Uint8Array[], position: number): Promise<number> {
  const [first] = parts
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, count: number): void => (error ? reject(error) : resolve(count))
    if (parts.length === 1 && first !== undefined) write(descriptor, first, 0, first.length, position, done)
    else writev(descriptor, parts, position, done)
  })
}

function dropBytes(parts: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count
  for (const [index, part] of parts.entries()) {
    if (left < part.length) return [part.subarray(left), ...parts.slice(index + 1)]
    left -= part.length
  }
  return []
}

function settle(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()))
  })
}

function whenPresent<Value>(look: () => Value): Value | undefined {
  try {
    return look()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
