/**
 * Port to files, as narrow as the store needs it, so that a faulty one can stand in for the disk in tests
 * (./faulty-file-system.ts). Paths are relative to the data directory and use `/`. Failures are errors with the
 * `code` of the operating system (ENOENT, ENOSPC, EIO …). Opening and reading is synchronous: a warm 4 KiB read
 * takes 6 us, a turn through the thread pool 45 to 90.
 */
export interface StoreFile {
  /** Fills `buffer` from `position`; the count is short only at the end of the file. */
  readSync(buffer: Uint8Array, position: number): number
  read(buffer: Uint8Array, position: number): Promise<number>
  /** Writes the parts one after another. A call that fails may have written any part of them. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  /** What was written so far survives a loss of power once this resolves. */
  dataSync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): number
  close(): void
}

export interface FileSystem {
  /** `create` refuses an existing file (EEXIST); the others refuse a missing one (ENOENT). Mode 0600. */
  open(path: string, mode: 'read' | 'write' | 'create'): StoreFile
  /** A whole small file; undefined when there is none. */
  readFile(path: string): Uint8Array | undefined
  /** Names in a directory, sorted; undefined when there is none. */
  list(path: string): readonly string[] | undefined
  /** With its parents, mode 0700; an existing one is left as it is. */
  makeDirectory(path: string): void
  rename(source: string, target: string): Promise<void>
  /** A missing file is no error. */
  unlink(path: string): Promise<void>
  /** Entries made, renamed or removed in the directory so far survive a loss of power. */
  syncDirectory(path: string): Promise<void>
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>
}

/** Replaces a small file so that, whatever happens, either the former or the new content is there. */
export async function replaceFile(files: FileSystem, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.new`
  await files.unlink(temporary)
  const file = files.open(temporary, 'create')
  try {
    await file.write([content], 0)
    await file.dataSync()
  } finally {
    file.close()
  }
  await files.rename(temporary, path)
  await files.syncDirectory(parentOf(path))
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
