/**
 * The code of a node, broken on purpose at one of its seams, or what it holds: a run in which nothing is noticed then says
 * that an invariant looks at nothing. For tests alone.
 */
import type { Sharing } from '@blocktree/files'
import type { FileLocks } from '@blocktree/node'
import type { FileSystem } from '@blocktree/store'
import type { TreeState } from '@blocktree/tree'
import type { Simulation } from './simulation.ts'
import type { Workload } from './workload.ts'

export interface Sabotage {
  /** The disk as the store gets it. */
  readonly disk?: (files: FileSystem) => FileSystem
  readonly locks?: (locks: FileLocks) => FileLocks
  /** The tree as replication gets it. */
  readonly replicated?: (tree: TreeState) => TreeState
  readonly sharing?: (sharing: Sharing) => Sharing
  /** Answers and asks nothing of replication. */
  readonly isDeaf?: (node: string) => boolean
  /** After everything was mended, before it is judged. */
  readonly end?: (simulation: Simulation, workload: Workload) => Promise<void>
}
