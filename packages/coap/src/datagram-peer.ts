/** A peer reached by datagrams: no connection, only an address and the endpoint that speaks with it. */
import { type Exchange, fetchRest, requestInBlocks } from './block-client.ts'
import { readBlockOption } from './block-option.ts'
import { codeClass } from './code.ts'
import type { DatagramEndpoint } from './datagram-endpoint.ts'
import { datagramPayloadBytes } from './limits.ts'
import type { OutgoingRequest, ReceivedResponse } from './message.ts'
import { NotificationFeed } from './notification-feed.ts'
import { sequenceOf } from './observer-table.ts'
import { createIntegerOption, optionNumber } from './option.ts'
import type { CoapPeer, Observation, RequestOptions } from './peer.ts'

export class DatagramPeer implements CoapPeer {
  readonly transport = 'udp'
  readonly address: string
  readonly #endpoint: DatagramEndpoint

  constructor(endpoint: DatagramEndpoint, address: string) {
    this.#endpoint = endpoint
    this.address = address
  }

  get closed(): Promise<Error | undefined> {
    return this.#endpoint.closed
  }

  async request(request: OutgoingRequest, options: RequestOptions = {}): Promise<ReceivedResponse> {
    return await requestInBlocks(this.#exchange(options), request)
  }

  async observe(
    request: OutgoingRequest,
    onResponse: (response: ReceivedResponse) => void,
    options: RequestOptions = {}
  ): Promise<Observation> {
    const complete = async (response: ReceivedResponse): Promise<ReceivedResponse> => {
      const block = readBlockOption(response.options, optionNumber.block2)
      if (block?.isMore !== true) return response
      return await fetchRest(this.#exchange(options), request, response, block)
    }
    const withObserve = (value: number): OutgoingRequest => ({
      ...request,
      options: [...request.options, createIntegerOption(optionNumber.observe, value)]
    })
    const feed = new NotificationFeed(complete, onResponse)
    const { clock } = this.#endpoint
    const { response, release, token } = await this.#endpoint.exchange(
      this.address,
      withObserve(0),
      options,
      {
        onLater: (later) => feed.push(later, clock.now())
      }
    )
    const isObserving = sequenceOf(response) !== undefined && codeClass(response.code) === 2
    if (!isObserving) release()
    let isEnded = !isObserving
    const end = (): void => {
      feed.end()
      if (isEnded) return
      isEnded = true
      release() // what comes now is rejected, which ends the observation for certain
      this.#endpoint.post(this.address, withObserve(1), token)
    }
    try {
      const first = await complete(response)
      if (isObserving) feed.begin(first, clock.now())
      return { first, isObserving, end }
    } catch (error) {
      end()
      throw error
    }
  }

  async ping(options: RequestOptions = {}): Promise<void> {
    await this.#endpoint.ping(this.address, options)
  }

  /** Closes the endpoint when it was dialled; that of a server stays open. */
  async close(): Promise<void> {
    await Promise.resolve()
  }

  #exchange(options: RequestOptions): Exchange {
    return {
      payloadBytesMax: options.blockBytes ?? datagramPayloadBytes,
      blockBytes: options.blockBytes ?? datagramPayloadBytes,
      bodyBytesMax: options.bodyBytesMax,
      now: () => this.#endpoint.clock.now(),
      uploads: this.#endpoint.uploads,
      peerKey: this.address,
      send: async (request) => (await this.#endpoint.exchange(this.address, request, options)).response
    }
  }
}
