/** What the lock and the sequence of a file are called by the coordinator (doc/spec/29-coordinator.md, section 10). */
import type { Id } from '@blocktree/tree'

const pattern = /^file\/([0-9a-f]{64})$/

export function lockName(block: Id): string {
  return `file/${block.toHex()}`
}

/** Undefined for what is the name of no file. */
export function lockedBlock(name: string): Id | undefined {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Uint8Array.fromHex(digits)
}
