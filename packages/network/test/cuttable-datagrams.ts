/** Passes datagrams between sockets on loopback until it is told to stop, without ending anything. */
import { createSocket, type Socket } from 'node:dgram'
import type { CuttableProxy } from './cuttable-proxy.ts'

export interface DatagramProxy extends CuttableProxy {
  /** Nothing of the server behind it comes back any more. */
  readonly mute: () => void
}

/** @param port of the socket behind it, at 127.0.0.1 */
export async function startDatagramProxy(port: number): Promise<DatagramProxy> {
  const far = new Map<number, Socket>()
  const state = { isCut: false, isMute: false }
  const near = await bound()
  const farOf = async (nearPort: number): Promise<Socket> => {
    const socket = await bound()
    socket.on('message', (datagram) => {
      if (!state.isCut && !state.isMute) near.send(datagram, nearPort, '127.0.0.1')
    })
    return socket
  }
  const opening = new Map<number, Promise<Socket>>()
  near.on('message', (datagram, { port: nearPort }) => {
    if (state.isCut) return
    const socket = opening.get(nearPort) ?? farOf(nearPort)
    opening.set(nearPort, socket)
    void socket.then((open) => {
      far.set(nearPort, open)
      open.send(datagram, port, '127.0.0.1')
    })
  })
  return {
    port: near.address().port,
    cut: () => {
      state.isCut = true
    },
    mute: () => {
      state.isMute = true
    },
    async close() {
      await Promise.all(opening.values())
      for (const socket of [near, ...far.values()]) socket.close()
    }
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('error', () => {}) // of a port that nobody listens at any more
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve)
  })
  return socket
}
