/** In whose name a connection acts: the node's own principal until `session.as` says otherwise. */
import type { Actor } from '@blocktree/files'
import { nodeKeyName, type PrincipalDirectory } from './principal-directory.ts'

export interface Session {
  /** Name of the local key. */
  readonly name: string
  /** ERR_ROOT_LOCKED when the session acts as root and the key was locked since. */
  readonly actor: Actor
  /** ERR_PRINCIPAL_UNKNOWN, ERR_ROOT_LOCKED; the session stays as it was then. */
  actAs(name: string): Promise<Actor>
}

export function createSession(principals: PrincipalDirectory): Session {
  let name = nodeKeyName
  return {
    get name() {
      return name
    },
    get actor() {
      return principals.opened(name)
    },
    async actAs(wanted) {
      const actor = await principals.actorOf(wanted)
      name = principals.nameOf(actor.id)
      return actor
    }
  }
}
