/** A link between members in one process, with delay, loss, repetition and cuts, under given time and chance. */
import type { CoordinatorLink, LinkListener } from './link.ts'
import type { CoordinatorClock } from './port.ts'
export { MemoryRaftStorage } from './raft/storage.ts'

export interface LinkWeather {
  readonly delayMs: number
  /** Up to so many more, by chance; messages may overtake each other. */
  readonly jitterMs: number
  /** Share of one-way messages that are lost. */
  readonly loss: number
  /** Share of one-way messages that come twice. */
  readonly repetition: number
}

export interface MemoryLinks {
  /** The link of a member; a former one of the same name is cut off for good. */
  join(member: string): CoordinatorLink
  /** The member is gone: nothing of it arrives any more, the others see their connections break. */
  leave(member: string): void
  /** Members of different groups do not hear each other. */
  partition(...groups: readonly (readonly string[])[]): void
  heal(): void
  setWeather(weather: Partial<LinkWeather>): void
  /** One-way messages so far, lost ones included. */
  sent(): { readonly messages: number; readonly bytes: number }
}

const fair: LinkWeather = { delayMs: 1, jitterMs: 0, loss: 0, repetition: 0 }

interface Port {
  readonly member: string
  listener: LinkListener | undefined
}

export function createMemoryLinks(clock: CoordinatorClock, random: () => number): MemoryLinks {
  return new Hub(clock, random)
}

class Hub implements MemoryLinks {
  readonly #clock: CoordinatorClock
  readonly #random: () => number
  readonly #ports = new Map<string, Port>()
  #groups: readonly (readonly string[])[] = []
  #weather: LinkWeather = fair
  #messages = 0
  #bytes = 0

  constructor(clock: CoordinatorClock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  join(member: string): CoordinatorLink {
    const port: Port = { member, listener: undefined }
    this.#ports.set(member, port)
    return {
      listen: (listener) => {
        port.listener = listener
      },
      send: (to, bytes) => this.#send(port, to, bytes),
      ask: (to, bytes, options) => this.#ask(port, to, bytes, options)
    }
  }

  leave(member: string): void {
    this.#ports.delete(member)
    for (const port of this.#ports.values()) {
      this.#clock.start(this.#weather.delayMs, () => port.listener?.lost(member))
    }
  }

  partition(...groups: readonly (readonly string[])[]): void {
    this.#groups = groups
  }

  heal(): void {
    this.#groups = []
  }

  setWeather(weather: Partial<LinkWeather>): void {
    this.#weather = { ...this.#weather, ...weather }
  }

  sent(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#messages, bytes: this.#bytes }
  }

  #reaches(from: Port, to: string): boolean {
    if (this.#ports.get(from.member) !== from) return false
    const side = (member: string): number => this.#groups.findIndex((group) => group.includes(member))
    return side(from.member) === side(to)
  }

  #send(from: Port, to: string, bytes: Uint8Array): void {
    this.#messages++
    this.#bytes += bytes.length
    if (this.#random() < this.#weather.loss) return
    const copies = this.#random() < this.#weather.repetition ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.#later(() => {
        if (this.#reaches(from, to)) this.#ports.get(to)?.listener?.message(from.member, bytes)
      })
    }
  }

  async #ask(
    from: Port,
    to: string,
    bytes: Uint8Array,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal }
  ): Promise<Uint8Array> {
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => {
        cancel()
        options.signal.removeEventListener('abort', giveUp)
        reject(new Error(`${to} did not answer`))
      }
      const cancel = this.#clock.start(options.timeoutMs, giveUp)
      options.signal.addEventListener('abort', giveUp, { once: true })
      const answer = async (): Promise<void> => {
        const asked = this.#reaches(from, to) ? this.#ports.get(to)?.listener : undefined
        const answered = await asked?.ask(from.member, bytes)
        this.#later(() => {
          if (answered === undefined || !this.#reaches(from, to)) return
          cancel()
          options.signal.removeEventListener('abort', giveUp)
          resolve(answered)
        })
      }
      this.#later(() => {
        answer().catch(giveUp)
      })
    })
  }

  #later(call: () => void): void {
    this.#clock.start(this.#weather.delayMs + this.#weather.jitterMs * this.#random(), call)
  }
}
