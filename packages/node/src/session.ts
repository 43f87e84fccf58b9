/** In whose name a connection acts: the node's own principal until `session.as` says otherwise. */
import type { Actor } from '@blocktree/files'

export interface Session {
  /** Name of the local key. */
  name: string
  actor: Actor
}
