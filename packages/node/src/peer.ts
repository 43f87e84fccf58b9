/** The other side of a connection: where it comes from, and in whose name it acts. */
import type { Session } from './session.ts'

export interface Peer {
  readonly transport: 'stdio' | 'socket'
  readonly session: Session
}
