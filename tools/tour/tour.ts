/** What all steps of the tour share. */
import type { Harness, NodeProcess } from '@blocktree/harness'
import type { NodeMethods } from '@blocktree/node/method-table'
import { codeOf } from '@blocktree/rpc'
import type { Narrator } from './narrator.ts'

export interface Tour {
  readonly narrator: Narrator
  readonly harness: Harness<NodeMethods>
  readonly node: NodeProcess<NodeMethods>
  /** The real directory that is imported. */
  readonly source: string
}

/** Milliseconds that the work took, and what it gave. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const started = performance.now()
  const result = await work()
  return { result, ms: performance.now() - started }
}

/** The stable code with which something was refused; undefined when it was not refused. */
export async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || code === 'ERR_RPC_CLOSED') throw error
    return code
  }
}
