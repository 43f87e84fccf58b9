/** Somebody who has said hello on a connection of their own. */
import type { Connection } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { Hello } from './hello.ts'

export interface Peer {
  /** Proven by the hello. */
  readonly principal: Id
  readonly connection: Connection
  readonly hello: Hello
  readonly connectedMs: number
  /** Its clock less ours, as far as one hello tells. */
  readonly clockOffsetMs: number
}
