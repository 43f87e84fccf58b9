/** Bodies of requests that arrive in blocks (Block1), in order; bounded in number, bytes and time. */
import { type Block, blockBytes, blockOffset, createBlockOption } from './block-option.ts'
import type { Clock } from './clock.ts'
import { code } from './code.ts'
import { bodyBytesMax, transferIdleMs, uploadBytesMax, uploadsMax, uploadsPerPeerMax } from './limits.ts'
import type { Response } from './message.ts'
import { createIntegerOption, integerOption, type Option, optionNumber } from './option.ts'

interface Upload {
  readonly peerKey: string
  body: Uint8Array
  /** Bytes of `body` that have come. */
  length: number
  touched: number
}

type Taken =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'body'; readonly body: Uint8Array }

export class UploadTable {
  readonly #clock: Clock
  /** In the order in which they were last touched. */
  readonly #uploads = new Map<string, Upload>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The answer to a block in the middle, or the whole body with the last one. */
  take(
    key: string,
    peerKey: string,
    request: { readonly options: readonly Option[]; readonly payload: Uint8Array },
    block: Block
  ): Taken {
    this.#forgetIdle()
    const { payload } = request
    const size = blockBytes(block.sizeExponent)
    const isWhole = block.sizeExponent === 7 ? payload.length % size === 0 : payload.length === size
    if (
      (block.isMore && (payload.length === 0 || !isWhole)) ||
      (!block.isMore && block.sizeExponent !== 7 && payload.length > size)
    )
      return refuse(code.badRequest)
    const start = blockOffset(block)
    const announced = integerOption(request.options, optionNumber.size1) ?? 0
    if (start + payload.length > bodyBytesMax || (start === 0 && block.isMore && announced > bodyBytesMax))
      return this.#refuseTooLarge(key)
    if (start === 0) this.#drop(key)
    if (start === 0 && !block.isMore) return { kind: 'body', body: payload }
    const upload = start === 0 ? this.#begin(key, peerKey) : this.#uploads.get(key)
    if (upload === undefined)
      return refuse(start === 0 ? code.serviceUnavailable : code.requestEntityIncomplete)
    if (start + payload.length <= upload.length && block.isMore) return proceed(block) // came twice
    if (start !== upload.length) return refuse(code.requestEntityIncomplete)
    if (!this.#append(upload, payload)) return this.#refuseTooLarge(key)
    this.#touch(key, upload)
    if (block.isMore) return proceed(block)
    const body = upload.body.subarray(0, upload.length)
    this.#drop(key)
    return { kind: 'body', body }
  }

  #begin(key: string, peerKey: string): Upload | undefined {
    const own = [...this.#uploads].filter(([, upload]) => upload.peerKey === peerKey)
    const oldest = own[0]
    if (oldest !== undefined && own.length >= uploadsPerPeerMax) this.#drop(oldest[0])
    if (this.#uploads.size >= uploadsMax) return undefined
    const upload = { peerKey, body: new Uint8Array(0), length: 0, touched: this.#clock.now() }
    this.#uploads.set(key, upload)
    return upload
  }

  #append(upload: Upload, payload: Uint8Array): boolean {
    const needed = upload.length + payload.length
    if (needed > upload.body.length) {
      const room = Math.min(bodyBytesMax, Math.max(needed, 2 * upload.body.length))
      if (this.#bytes + room - upload.body.length > uploadBytesMax) return false
      this.#bytes += room - upload.body.length
      const body = new Uint8Array(room)
      body.set(upload.body.subarray(0, upload.length))
      upload.body = body
    }
    upload.body.set(payload, upload.length)
    upload.length = needed
    return true
  }

  #touch(key: string, upload: Upload): void {
    upload.touched = this.#clock.now()
    this.#uploads.delete(key)
    this.#uploads.set(key, upload)
  }

  #drop(key: string): void {
    this.#bytes -= this.#uploads.get(key)?.body.length ?? 0
    this.#uploads.delete(key)
  }

  #forgetIdle(): void {
    const limit = this.#clock.now() - transferIdleMs
    for (const [key, { touched }] of this.#uploads) {
      if (touched > limit) return
      this.#drop(key)
    }
  }

  #refuseTooLarge(key: string): Taken {
    this.#drop(key)
    const options = [createIntegerOption(optionNumber.size1, bodyBytesMax)]
    return { kind: 'response', response: { code: code.requestEntityTooLarge, options } }
  }
}

function refuse(responseCode: number): Taken {
  return { kind: 'response', response: { code: responseCode } }
}

function proceed(block: Block): Taken {
  const options = [createBlockOption(optionNumber.block1, block)]
  return { kind: 'response', response: { code: code.continue, options } }
}
