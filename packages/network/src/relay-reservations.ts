/**
 * Keeps the places at the relays through which this node is reached: libp2p asks for them once and gives up those of a
 * relay that went away. Each is asked for again, at longer and longer intervals, until it is back.
 */
import type { Libp2p, PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { parseAddress } from './address.ts'

const firstWaitMs = 1000
const waitMsMax = 60_000
const lookMs = 5000
const askMsMax = 10_000
const circuit = '/p2p-circuit'

/** What of libp2p's transports is used here. */
export interface Listening {
  listen(addresses: Multiaddr[]): Promise<void>
  getListeners(): readonly { getAddrs(): readonly unknown[]; close(): Promise<void> }[]
}

export interface RelayReservationsDeps {
  readonly node: Libp2p
  readonly transports: Listening
  /** As they are listened at: `…/p2p/RELAY/p2p-circuit`. */
  readonly addresses: readonly string[]
}

export function isRelayAddress(address: string): boolean {
  return address.endsWith(circuit)
}

export class RelayReservations {
  readonly #deps: RelayReservationsDeps
  readonly #relays: ReadonlySet<string>
  readonly #timers = new Set<NodeJS.Timeout>()
  #asking: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(deps: RelayReservationsDeps) {
    this.#deps = deps
    this.#relays = new Set(deps.addresses.map(relayOf))
  }

  /** True for a relay that this node is reached through: the connection to it has to stay. */
  isWith(peer: PeerId): boolean {
    return this.#relays.has(peer.toString())
  }

  start(): void {
    for (const address of this.#deps.addresses) void this.#keep(address, firstWaitMs)
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  async #keep(address: string, waitMs: number): Promise<void> {
    if (this.#isClosed) return
    const isHeld = this.#isHeld(address) || (await this.#askInTurn(address))
    if (isHeld) this.#later(lookMs, () => this.#keep(address, firstWaitMs))
    else this.#later(waitMs, () => this.#keep(address, Math.min(waitMsMax, waitMs * 2)))
  }

  #later(milliseconds: number, action: () => Promise<void>): void {
    if (this.#isClosed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      void action()
    }, milliseconds)
    timer.unref()
    this.#timers.add(timer)
  }

  #isHeld(address: string): boolean {
    const relay = relayOf(address)
    return this.#deps.node.getMultiaddrs().some((one) => one.toString().includes(`/p2p/${relay}${circuit}`))
  }

  async #askInTurn(address: string): Promise<boolean> {
    const asking = this.#asking.then(() => this.#ask(address))
    this.#asking = asking
    return await asking
  }

  /** True when it was given. */
  async #ask(address: string): Promise<boolean> {
    const { node, transports } = this.#deps
    try {
      // dialled first: a relay that cannot be dialled while it is asked would never be asked again
      const signal = AbortSignal.timeout(askMsMax)
      await node.dial(multiaddr(address.slice(0, -circuit.length)), { signal })
      await this.#closeIdleListeners()
      await transports.listen([multiaddr(address)])
      return true
    } catch {
      return false // it is away, or full
    }
  }

  /** Those of a relay that went away: they would take the place of the new one beside it. */
  async #closeIdleListeners(): Promise<void> {
    const idle = this.#deps.transports.getListeners().filter((listener) => listener.getAddrs().length === 0)
    await Promise.all(idle.map((listener) => listener.close()))
  }
}

/** Peer id of the relay of such an address. */
export function relayOf(address: string): string {
  const { parts } = parseAddress(address.slice(0, -circuit.length))
  return parts.findLast(({ name }) => name === 'p2p')?.value ?? ''
}
