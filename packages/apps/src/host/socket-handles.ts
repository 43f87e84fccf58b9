/** What stands behind the handle of a socket. */
import type { Held } from '../handle-table.ts'
import type { TcpListener, TcpSocket, UdpSocket } from '../ports.ts'

export type HeldSocket = Held &
  (
    | { readonly kind: 'connection'; readonly socket: TcpSocket }
    | { readonly kind: 'listener'; readonly socket: TcpListener }
    | { readonly kind: 'udp'; readonly socket: UdpSocket }
  ) & {
    /** Asked at every use, so that a revocation holds at once. */
    readonly expectGranted: () => void
    /** Events were asked for. */
    wantsEvents: boolean
  }
