/** One request at the asking side, until its answer: its promise, streams, signal and deadline. */
import type { ByteReceiver, ByteSender } from './byte-stream.ts'
import type { Progress } from './handlers.ts'
import type { StreamMessage } from './message.ts'
import type { AnyMethod } from './method-table.ts'
import { fromErrorObject, type RpcError } from './rpc-error.ts'
import { isRecord } from './schema.ts'

export class ClientCall {
  readonly id: number
  readonly method: AnyMethod | undefined
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: Error) => void
  onProgress: ((progress: Progress) => void) | undefined
  /** Sees the result before anything that was sent behind it is read. */
  onResult: ((value: unknown) => void) | undefined
  download: ByteReceiver | undefined
  sender: ByteSender | undefined
  /** Takes back the listener and the deadline. */
  release: (() => void) | undefined

  constructor(
    id: number,
    method: AnyMethod | undefined,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void
  ) {
    this.id = id
    this.method = method
    this.#resolve = resolve
    this.#reject = reject
  }

  succeed(value: unknown, sentEarly: RpcError | undefined): void {
    this.onResult?.(value)
    this.download?.end()
    if (sentEarly !== undefined) this.sender?.fail(sentEarly)
    this.release?.()
    this.#resolve(value)
  }

  fail(error: Error): void {
    this.download?.fail(error)
    this.sender?.fail(error)
    this.release?.()
    this.#reject(error)
  }

  /** Returns false for data that nobody reads. */
  take(message: StreamMessage): boolean {
    switch (message.kind) {
      case 'data':
        this.download?.push(message.bytes)
        return this.download !== undefined
      case 'end':
        this.download?.end()
        return true
      case 'error':
        this.download?.end(fromErrorObject(message.error))
        return true
      case 'credit':
        this.sender?.grant(message.bytes)
        return true
    }
  }
}

export function readProgress(params: Readonly<Record<string, unknown>>): Progress | undefined {
  const { done, total, unit, text } = params
  if (typeof done !== 'number') return undefined
  return {
    done,
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof unit === 'string' ? { unit } : {}),
    ...(typeof text === 'string' ? { text } : {})
  }
}

/** The id in the answer of a method that starts a subscription. */
export function subscriptionOf(result: unknown): number | undefined {
  const id = isRecord(result) ? result['subscription'] : undefined
  return typeof id === 'number' ? id : undefined
}
