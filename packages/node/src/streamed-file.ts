/** A file of the host written from a stream: under another name until it is whole and synced. */
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from './data-directory.ts'
import { NodeError, reasonOf, systemCode } from './node-error.ts'

export interface StreamedFileOptions {
  readonly signal: AbortSignal
  readonly onBytes?: (done: number) => void
}

/** @returns what the stream returned at its end. @throws ERR_PATH_LOCAL, ERR_DATA_FULL; the part is removed then */
export async function writeStreamedFile<Report>(
  file: string,
  chunks: AsyncGenerator<Uint8Array, Report, undefined>,
  options: StreamedFileOptions
): Promise<Report> {
  const part = `${file}.part`
  try {
    const report = await writePart(part, chunks, options)
    await rename(part, file)
    syncDirectory(dirname(file))
    return report
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined)
    const code = systemCode(cause)
    if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw cause
    throw new NodeError(
      code === 'ENOSPC' ? 'ERR_DATA_FULL' : 'ERR_PATH_LOCAL',
      `cannot write "${file}": ${reasonOf(cause)}`,
      { cause }
    )
  }
}

async function writePart<Report>(
  part: string,
  chunks: AsyncGenerator<Uint8Array, Report, undefined>,
  { signal, onBytes }: StreamedFileOptions
): Promise<Report> {
  await using handle = await open(part, 'w', 0o600)
  let done = 0
  for (;;) {
    signal.throwIfAborted()
    const next = await chunks.next()
    if (next.done === true) {
      await handle.sync()
      return next.value
    }
    await handle.writeFile(next.value)
    done += next.value.length
    onBytes?.(done)
  }
}
