/** Answers that a peer is fetching block by block, so that the handler is asked once; when one is gone it is asked again. */
import { crc32 } from 'node:zlib'
import type { Clock } from './clock.ts'
import type { HandlerResponse } from './handler.ts'
import { downloadBytesMax, downloadsMax, transferIdleMs } from './limits.ts'

export class DownloadCache {
  readonly #clock: Clock
  readonly #kept = new Map<string, { readonly response: HandlerResponse; readonly until: number }>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  find(key: string): HandlerResponse | undefined {
    const kept = this.#kept.get(key)
    return kept === undefined || kept.until < this.#clock.now() ? undefined : kept.response
  }

  /** The oldest ones make room. */
  keep(key: string, response: HandlerResponse): void {
    this.drop(key)
    this.#bytes += response.payload?.length ?? 0
    this.#kept.set(key, { response, until: this.#clock.now() + transferIdleMs })
    for (const [oldest, { until }] of this.#kept) {
      const isFull = this.#kept.size > downloadsMax || this.#bytes > downloadBytesMax
      if (!isFull && until >= this.#clock.now()) return
      this.drop(oldest)
    }
  }

  drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.response.payload?.length ?? 0
    this.#kept.delete(key)
  }
}

/** Tells representations apart within one transfer: length and CRC-32, no defence against anybody. */
export function entityTag(payload: Uint8Array): Uint8Array {
  const tag = new Uint8Array(8)
  const view = new DataView(tag.buffer)
  view.setUint32(0, payload.length)
  view.setUint32(4, crc32(payload))
  return tag
}
