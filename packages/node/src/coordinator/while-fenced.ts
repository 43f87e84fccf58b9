/**
 * Long work under a fencing token: judged before it begins, about every second while it runs, and at its end. What was written before
 * the lock passed on stays, as that of any holder does.
 */
import type { Actor } from '@blocktree/files'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import type { FileLocks } from './file-locks.ts'

interface FencedWork {
  readonly locks: Pick<FileLocks, 'expectToken'>
  readonly held: HeldTree
  readonly actor: Actor
  /** What is locked; it has to be there. */
  readonly path: string
  /** Undefined: it goes on whoever holds the lock. */
  readonly fence: number | undefined
  readonly signal: AbortSignal
}

const lookEachMs = 1000

/** @throws ERR_LOCK_FENCED, ERR_LOCK_HOSTED, ERR_COORDINATOR_NO_MAJORITY */
export async function whileFenced<Result>(
  { locks, held, actor, path, fence, signal }: FencedWork,
  work: (signal: AbortSignal) => Promise<Result>
): Promise<Result> {
  if (fence === undefined) return await work(signal)
  if (!held.isOwn)
    throw new NodeError('ERR_LOCK_HOSTED', `"${path}" is in a tree of somebody else: locks are given there`)
  const { block } = held.files.stat(actor, path, { followLast: true })
  await locks.expectToken(block, fence)
  const lost = new AbortController()
  let looking: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    looking = locks.expectToken(block, fence).catch((error: unknown) => lost.abort(error))
  }, lookEachMs)
  timer.unref()
  try {
    const result = await work(AbortSignal.any([signal, lost.signal]))
    await locks.expectToken(block, fence)
    return result
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error
  } finally {
    clearInterval(timer)
    await looking
  }
}
