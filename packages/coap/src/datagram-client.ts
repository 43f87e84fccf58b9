/** Asks a peer by datagrams, from a socket of its own. */
import { formatHost, openDatagramSocket, resolveHost } from './datagram-socket.ts'
import type { CoapPeer } from './peer.ts'
import type { Service } from './service.ts'
import type { CoapAddress } from './url.ts'

export async function connectDatagrams(
  address: CoapAddress & { readonly transport: 'udp' | 'tcp' },
  service: Service,
  options: { readonly outstandingMax: number | undefined }
): Promise<CoapPeer> {
  const host = await resolveHost(address.host)
  const any = host.includes(':') ? '::' : '0.0.0.0'
  const opened = await openDatagramSocket(any, 0, service, options.outstandingMax)
  const { endpoint } = opened
  const peer = endpoint.peer(formatHost(host, address.port))
  return {
    transport: peer.transport,
    address: peer.address,
    closed: endpoint.closed,
    request: (request, requestOptions) => peer.request(request, requestOptions),
    observe: (request, onResponse, requestOptions) => peer.observe(request, onResponse, requestOptions),
    ping: (requestOptions) => peer.ping(requestOptions),
    close: () => opened.close()
  }
}
