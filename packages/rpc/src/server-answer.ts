/** Answers on their way out: alone, or gathered for the array that answers a batch. */
import { packFrame } from '@blocktree/codec'

import { errorAnswer, type RequestId } from './message.ts'
import type { MessageWriter } from './message-writer.ts'
import { type ErrorObject, RpcError, toErrorObject } from './rpc-error.ts'

/** Where JSON answers of one batch are gathered; written when the last one is there. */
export class BatchAnswers {
  readonly #texts: string[] = []
  #open: number
  #length = 0

  /** @param count requests of the batch, notifications included */
  constructor(count: number) {
    this.#open = count
  }

  get length(): number {
    return this.#length
  }

  /** Undefined for a request that has no answer. Returns the whole array after the last. */
  add(text: string | undefined): string | undefined {
    if (text !== undefined) {
      this.#texts.push(text)
      this.#length += text.length + 1
    }
    this.#open--
    return this.#open === 0 && this.#texts.length > 0 ? `[${this.#texts.join(',')}]` : undefined
  }
}

export class AnswerWriter {
  readonly #writer: MessageWriter
  readonly #messageBytesMax: number

  constructor(writer: MessageWriter, messageBytesMax: number) {
    this.#writer = writer
    this.#messageBytesMax = messageBytesMax
  }

  /** Throws RpcError ERR_RPC_RESULT when the result cannot be sent: nothing was written then. */
  result(id: RequestId | undefined, value: unknown, batch: BatchAnswers | undefined): void {
    if (id === undefined) return this.#silent(batch)
    if (this.#writer.framing === 'json') this.#resultText(id, value, batch)
    else this.#writer.writeFrame(this.#packResult(id, value))
  }

  error(id: RequestId | undefined, thrown: unknown, batch: BatchAnswers | undefined): void {
    if (id === undefined) return this.#silent(batch)
    const error = toErrorObject(thrown)
    try {
      this.#write(errorAnswer(id, error), batch)
    } catch {
      this.#write(errorAnswer(id, withoutFacts(error)), batch)
    }
  }

  #resultText(id: RequestId, value: unknown, batch: BatchAnswers | undefined): void {
    const idText = typeof id === 'number' ? String(id) : JSON.stringify(id)
    const text = `{"jsonrpc":"2.0","id":${idText},"result":${stringify(value)}}`
    this.#checkLength(text, batch)
    this.#emit(text, batch)
  }

  #packResult(id: RequestId, value: unknown): Uint8Array {
    try {
      return packFrame({ id, result: value ?? null })
    } catch (error) {
      throw new RpcError('ERR_RPC_RESULT', 'the result cannot be sent in one frame', {}, { cause: error })
    }
  }

  /** A UTF-16 unit takes at most three bytes: the exact count is needed for long texts only. */
  #checkLength(text: string, batch: BatchAnswers | undefined): void {
    const length = text.length + (batch?.length ?? 0)
    if (length * 3 <= this.#messageBytesMax) return
    const bytes = (batch?.length ?? 0) * 3 + new TextEncoder().encode(text).length
    if (bytes <= this.#messageBytesMax) return
    throw new RpcError(
      'ERR_RPC_RESULT',
      `the result takes ${bytes} bytes; a line may have ${this.#messageBytesMax}`
    )
  }

  #write(message: unknown, batch: BatchAnswers | undefined): void {
    if (this.#writer.framing === 'json') this.#emit(JSON.stringify(message), batch)
    else this.#writer.write(message)
  }

  #emit(text: string, batch: BatchAnswers | undefined): void {
    if (batch === undefined) {
      this.#writer.writeText(text)
      return
    }
    const whole = batch.add(text)
    if (whole !== undefined) this.#writer.writeText(whole)
  }

  #silent(batch: BatchAnswers | undefined): void {
    const whole = batch?.add(undefined)
    if (whole !== undefined) this.#writer.writeText(whole)
  }
}

function stringify(value: unknown): string {
  try {
    const text: string | undefined = JSON.stringify(value ?? null)
    return text ?? 'null'
  } catch (error) {
    throw new RpcError('ERR_RPC_RESULT', 'the result cannot be written as JSON', {}, { cause: error })
  }
}

function withoutFacts(error: ErrorObject): ErrorObject {
  return { code: error.code, message: error.message, data: { code: error.data.code } }
}
