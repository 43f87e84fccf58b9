/** Passes bytes between sockets on loopback until it is told to stop, without ending anything. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface CuttableProxy {
  readonly port: number
  readonly cut: () => void
  close(): Promise<void>
}

/** @param port of the server behind it, at 127.0.0.1 */
export async function startProxy(port: number): Promise<CuttableProxy> {
  const sockets = new Set<Socket>()
  const state = { isCut: false }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('data', (chunk) => {
        if (!state.isCut) to.write(chunk)
      })
      from.on('close', () => {
        if (!state.isCut) to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: portOf(server),
    cut: () => {
      state.isCut = true
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    }
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen')
  return address.port
}
