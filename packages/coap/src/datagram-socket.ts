/** Joins an endpoint to a UDP socket of the system. */
import { randomBytes } from 'node:crypto'
import { type Socket, createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { systemClock } from './clock.ts'
import { CoapError } from './coap-error.ts'
import { DatagramEndpoint } from './datagram-endpoint.ts'
import type { Service } from './service.ts'

export interface DatagramSocket {
  readonly endpoint: DatagramEndpoint
  readonly socket: Socket
  close(): Promise<void>
}

/** ERR_COAP_CONNECT when the name is unknown or the port is taken. */
export async function openDatagramSocket(
  host: string,
  port: number,
  service: Service,
  outstandingMax?: number
): Promise<DatagramSocket> {
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    lookup: (name, _options, callback) => callback(null, name, isIPv6(name) ? 6 : 4)
  })
  const endpoint = new DatagramEndpoint({
    send: (bytes, address) => sendTo(socket, bytes, address),
    clock: systemClock,
    random: (length) => randomBytes(length),
    service,
    outstandingMax
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) =>
      reject(
        new CoapError('ERR_COAP_CONNECT', `cannot open a UDP socket on ${host}:${port}: ${error.message}`, {
          cause: error
        })
      )
    )
    socket.bind({ address: host, port }, resolve)
  })
  socket.on('error', () => undefined) // of single datagrams: they are repeated
  socket.on('message', (bytes, from) => endpoint.receive(bytes, formatHost(from.address, from.port)))
  return {
    endpoint,
    socket,
    async close() {
      endpoint.close()
      await new Promise<void>((resolve) => {
        socket.close(() => resolve())
      })
    }
  }
}

function sendTo(socket: Socket, bytes: Uint8Array, address: string): void {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  try {
    socket.send(bytes, Number(address.slice(colon + 1)), host, () => undefined)
  } catch {
    // closed meanwhile: a datagram may be lost
  }
}

export function formatHost(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The address of a name. ERR_COAP_CONNECT. */
export async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address
  } catch (error) {
    throw new CoapError('ERR_COAP_CONNECT', `there is no host "${host}"`, { cause: error })
  }
}
