/**
 * Asking others whether this node can be dialled, and answering those who ask (AutoNAT 1). The library answers by dialling,
 * finds that it is connected with the asking node already, takes that connection for its dial, says that it failed, and
 * closes it: nobody learns anything, and every connection dies. Here it dials anew and closes what it dialled.
 */
import { autoNAT, type AutoNATComponents } from '@libp2p/autonat'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { replacing } from './replacing.ts'

type Service = ReturnType<ReturnType<typeof autoNAT>>
type Options = Parameters<AutoNATComponents['connectionManager']['openConnection']>[1]

export function createAutoNat(components: AutoNATComponents): Service {
  const { connectionManager } = components
  const openConnection = (
    peer: PeerId | Multiaddr | Multiaddr[],
    options?: Options
  ): ReturnType<typeof connectionManager.openConnection> =>
    connectionManager.openConnection(peer, { ...options, force: true })
  return autoNAT()(
    replacing(components, { connectionManager: replacing(connectionManager, { openConnection }) })
  )
}
