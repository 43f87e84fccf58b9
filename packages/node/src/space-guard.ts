/**
 * The reserve of free space: what adds content is refused before the disk is full, so that removals, revocations and
 * garbage collection still have room to work in. The system is asked rarely: between two looks the guard counts what
 * was let through itself.
 */
import { statfsSync } from 'node:fs'
import { NodeError } from './node-error.ts'

export interface SpaceGuard {
  /** @param bytes content that is about to be written. @throws ERR_STORE_FULL when less than the reserve would be left */
  expectRoom(bytes: number): void
  /** The chunks, each let through only while there is room. */
  guarded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  /** Long work that writes by itself: its signal is aborted with ERR_STORE_FULL when space runs short. */
  during<Result>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result>
}

export interface SpaceGuardOptions {
  readonly reserveBytes: number
  readonly now: () => number
  /** Free bytes on the disk of the data directory. */
  readonly freeBytes: () => number
  readonly startTimer: (milliseconds: number, callback: () => void) => () => void
}

const overheadBytes = 4096 // header, frames and index rows of one write
const lookMs = 500 // others write to the disk too
const watchMs = 100

export function createSpaceGuard(options: SpaceGuardOptions): SpaceGuard {
  const { reserveBytes, now, freeBytes, startTimer } = options
  let room = 0 // free above the reserve, by the last look less what was let through since
  let lookedMs = -Infinity

  function expectRoom(bytes: number): void {
    if (reserveBytes === 0) return
    const cost = bytes + overheadBytes
    const age = now() - lookedMs
    if (room < cost || age > lookMs || age < 0) {
      room = freeBytes() - reserveBytes
      lookedMs = now()
    }
    if (room < cost) throw full(room + reserveBytes, reserveBytes)
    room -= cost
  }

  return {
    expectRoom,
    async *guarded(chunks) {
      expectRoom(0)
      for await (const chunk of chunks) {
        expectRoom(chunk.length)
        yield chunk
      }
    },
    async during(signal, work) {
      expectRoom(0)
      const shortage = new AbortController()
      let stopTimer = (): void => undefined
      const watch = (): void => {
        stopTimer = startTimer(watchMs, () => {
          try {
            expectRoom(0)
            watch()
          } catch (error) {
            shortage.abort(error)
          }
        })
      }
      watch()
      try {
        return await work(AbortSignal.any([signal, shortage.signal]))
      } finally {
        stopTimer()
      }
    }
  }
}

/** Free bytes of the file system that holds `path`, as an ordinary user may take them. */
export function freeBytesAt(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

function full(free: number, reserve: number): NodeError {
  const mebi = (bytes: number): string => `${Math.max(0, Math.floor(bytes / 2 ** 20))} MiB`
  return new NodeError(
    'ERR_STORE_FULL',
    `${mebi(free)} are free and ${mebi(reserve)} are kept in reserve (space.reserve); free some space, or remove files and run "blocktree gc --removed"`,
    { data: { freeBytes: free, reserveBytes: reserve } }
  )
}
