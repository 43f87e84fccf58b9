/**
 * Dials that leave from one port of this machine. A router that translates addresses gives all that leaves from one port the
 * same address outside, so what a relay sees is where a peer can knock, while this node knocks at its door. A socket that
 * listens cannot share its port with dials (Node gives no SO_REUSEPORT for them), sockets that dial can: each is bound with
 * SO_REUSEADDR.
 */
import { createServer } from 'node:net'
import { replacing } from './replacing.ts'
import type { Connection, IdentifyResult } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

type CreateTransport = ReturnType<typeof tcp>

/** Errors of a port from which the same peer is reached already, or was lately. */
const takenCodes: ReadonlySet<string> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL'])

export class OnePort {
  readonly #port: number
  readonly #isFor: (address: string) => boolean
  readonly #leavingFromIt = new WeakSet<Connection>()
  readonly #seen = new Map<Connection, string>()

  /** @param isFor says which addresses are dialled from the port by themselves: those who say how they see it */
  constructor(port: number, isFor: (address: string) => boolean) {
    this.#port = port
    this.#isFor = isFor
  }

  /** TCP whose dials of those addresses leave from the port where they can, and else from any. */
  get transport(): CreateTransport {
    const create = tcp()
    return (components) => {
      const transport = create(components)
      const dial = transport.dial.bind(transport)
      transport.dial = async (address, options) => {
        if ('localPort' in options) return await dial(address, answering(options))
        if (!this.#isFor(address.toString())) return await dial(address, options)
        try {
          const connection = await dial(address, this.options(options))
          this.#leavingFromIt.add(connection)
          return connection
        } catch (error) {
          if (!isTaken(error)) throw error
          return await dial(address, options)
        }
      }
      return transport
    }
  }

  /** Of a dial that has to leave from the port. */
  options<Options extends object>(options: Options): Options & { readonly localPort: number } {
    return { ...options, localPort: this.#port }
  }

  /** A peer said how it sees this node. */
  identified({ connection, observedAddr }: IdentifyResult): void {
    if (observedAddr === undefined || !this.#leavingFromIt.has(connection)) return
    if (isPlainTcp(observedAddr))
      this.#seen.set(connection, observedAddr.toString().replace(/\/p2p\/.*$/, ''))
  }

  /** Where the port is seen outside, by those who are connected now; each once, without `/p2p/…`. */
  get seenAt(): readonly Multiaddr[] {
    for (const connection of this.#seen.keys())
      if (connection.status !== 'open') this.#seen.delete(connection)
    return [...new Set(this.#seen.values())].map((address) => multiaddr(address))
  }
}

type DialOptions = Parameters<ReturnType<CreateTransport>['dial']>[1]

/** The library speaks second when it is told to, but for the muxer, which looks at who dialled: here both did. */
function answering(options: DialOptions): DialOptions {
  if (!('initiator' in options) || options.initiator !== false) return options
  const { upgrader } = options
  const upgradeOutbound: typeof upgrader.upgradeOutbound = (connection, more) => {
    connection.direction = 'inbound'
    return upgrader.upgradeOutbound(connection, more)
  }
  return { ...options, upgrader: replacing(upgrader, { upgradeOutbound }) }
}

/** An IP address and a port of TCP, and at most who is there. */
export function isPlainTcp(address: Multiaddr): boolean {
  return /^\/ip[46]\/[^/]+\/tcp\/\d+(\/p2p\/[^/]+)?$/.test(address.toString())
}

/** One that is free now; nobody listens at it, so nothing is held for it. */
export async function freePort(): Promise<number> {
  const server = createServer()
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(0, () => listening.resolve())
  await listening.promise
  const bound = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (bound === null || typeof bound === 'string') throw new Error('a socket for TCP has no port')
  return bound.port
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && takenCodes.has(String(error.code))
}
