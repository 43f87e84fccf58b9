/** Endpoints joined by a network of the test's making: datagrams take time, get lost, come twice. */
import { DatagramEndpoint } from '../src/datagram-endpoint.ts'
import type { Handler } from '../src/handler.ts'
import { answerNothing, createService } from '../src/service.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface Sent {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
}

/** How many copies of a datagram arrive; 1 when left out. */
export type Fate = (sent: Sent, index: number) => number

export class DatagramNetwork {
  readonly sent: Sent[] = []
  readonly #clock: VirtualClock
  readonly #fate: Fate
  readonly #endpoints = new Map<string, DatagramEndpoint>()
  #counter = 0

  constructor(clock: VirtualClock, fate: Fate = () => 1) {
    this.#clock = clock
    this.#fate = fate
  }

  join(address: string, handler: Handler = answerNothing, outstandingMax?: number): DatagramEndpoint {
    const endpoint = new DatagramEndpoint({
      clock: this.#clock,
      random: (length) => Uint8Array.from({ length }, () => (this.#counter = (this.#counter * 5 + 17) & 255)),
      send: (bytes, to) => this.deliver(address, to, bytes),
      service: createService({ handler, clock: this.#clock }),
      outstandingMax
    })
    this.#endpoints.set(address, endpoint)
    return endpoint
  }

  deliver(from: string, to: string, bytes: Uint8Array): void {
    const sent = { at: this.#clock.now(), from, to, bytes }
    const copies = this.#fate(sent, this.sent.length)
    this.sent.push(sent)
    for (let copy = 0; copy < copies; copy++)
      this.#clock.schedule(5 + copy, () => this.#endpoints.get(to)?.receive(bytes, from))
  }
}
