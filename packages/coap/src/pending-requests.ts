/** Own requests on one stream connection, by token, until their answer, their time or the end of the connection. */
import { CoapError } from './coap-error.ts'
import type { ReceivedResponse } from './message.ts'

interface Pending {
  readonly resolve: (response: ReceivedResponse) => void
  readonly reject: (error: Error) => void
  readonly deadline: number
  readonly timeoutMs: number
}

/** Tokens are four bytes of a counter: an answer that comes too late finds nobody. */
export class PendingRequests {
  readonly #pending = new Map<number, Pending>()
  #next = 1

  get size(): number {
    return this.#pending.size
  }

  add(now: number, timeoutMs: number, resolve: Pending['resolve'], reject: Pending['reject']): Uint8Array {
    const id = this.takeId()
    this.#pending.set(id, { resolve, reject, timeoutMs, deadline: now + timeoutMs })
    return tokenOf(id)
  }

  /** A token that no other request of this connection has. */
  takeId(): number {
    const id = this.#next
    this.#next = id === 0xff_ff_ff_ff ? 1 : id + 1
    return id
  }

  /** @returns false when nobody waits for it */
  settle(token: Uint8Array, response: ReceivedResponse): boolean {
    const id = idOf(token)
    const pending = id === undefined ? undefined : this.#pending.get(id)
    if (id === undefined || pending === undefined) return false
    this.#pending.delete(id)
    pending.resolve(response)
    return true
  }

  fail(token: Uint8Array, error: Error): void {
    const id = idOf(token)
    const pending = id === undefined ? undefined : this.#pending.get(id)
    if (id === undefined || pending === undefined) return
    this.#pending.delete(id)
    pending.reject(error)
  }

  failOverdue(now: number): void {
    for (const [id, { deadline, timeoutMs, reject }] of this.#pending) {
      if (deadline > now) continue
      this.#pending.delete(id)
      reject(new CoapError('ERR_COAP_TIMEOUT', `no answer within ${timeoutMs} ms`))
    }
  }

  failAll(error: Error): void {
    const all = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of all) reject(error)
  }
}

export function tokenOf(id: number): Uint8Array {
  return Uint8Array.of(id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255)
}

/** Undefined when the token is none of ours. */
export function idOf(token: Uint8Array): number | undefined {
  if (token.length !== 4) return undefined
  const [first = 0, second = 0, third = 0, fourth = 0] = token
  return first * 0x1_00_00_00 + ((second << 16) | (third << 8) | fourth)
}
