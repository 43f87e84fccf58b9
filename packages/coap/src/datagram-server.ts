/** Listens for datagrams. */
import { openDatagramSocket, resolveHost } from './datagram-socket.ts'
import type { CoapServer } from './listen.ts'
import type { Service } from './service.ts'
import { type CoapAddress, formatCoapUrl } from './url.ts'

export async function listenOnDatagrams(
  address: CoapAddress & { readonly transport: 'udp' | 'tcp' },
  service: Service
): Promise<CoapServer> {
  const opened = await openDatagramSocket(await resolveHost(address.host), address.port, service)
  return {
    url: formatCoapUrl({ ...address, port: opened.socket.address().port }),
    connections: 0,
    heldBytes: 0,
    close: () => opened.close()
  }
}
