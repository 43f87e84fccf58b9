/** What stands behind the handle of a socket. */
import type { Host } from '@blocktree/app-package'
import type { Held } from '../handle-table.ts'
import { udpPeersKept } from '../limits.ts'
import type { TcpListener, TcpSocket, UdpSocket } from '../ports.ts'

export type HeldSocket = Held &
  (
    | { readonly kind: 'connection'; readonly socket: TcpSocket }
    | { readonly kind: 'listener'; readonly socket: TcpListener }
    | { readonly kind: 'udp'; readonly socket: UdpSocket; readonly peers: UdpPeers }
  ) & {
    /** Asked at every use, so that a revocation holds at once. */
    readonly expectGranted: () => void
    /** Events were asked for. */
    wantsEvents: boolean
  }

/** Closes the socket once, however often it is asked to. */
export function closeOnce(socket: { close(): void }): () => void {
  let isClosed = false
  return () => {
    if (isClosed) return
    isClosed = true
    socket.close()
  }
}

/** Frees what the grant no longer covers: nobody connects to it any more, and no call waits for it. */
export function closeIfRevoked(held: HeldSocket): void {
  try {
    held.expectGranted()
  } catch {
    held.release()
  }
}

/** Under which name the app last sent to an address: the answers come from the address, the grant has the name. */
export class UdpPeers {
  readonly #names = new Map<string, string>()

  sent(name: string, address: string, port: number): void {
    const key = `${address} ${port}`
    this.#names.delete(key)
    this.#names.set(key, name)
    if (this.#names.size <= udpPeersKept) return
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest)
      return
    }
  }

  nameOf({ host, port }: Host.Endpoint): string | undefined {
    return this.#names.get(`${host} ${port}`)
  }
}
