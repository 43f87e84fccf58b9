/**
 * Where a connection comes from, as far as bounds on strangers go: one who may take addresses as they like from a network
 * is one source. IPv4 by 24 bits, IPv6 by 48, what comes through a relay by the relay; this machine itself is none.
 */
import { parseAddress } from './address.ts'

/** undefined for addresses of this machine, and for what is no address of the internet. */
export function sourceOf(address: string): string | undefined {
  const relay = /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)
  if (relay !== null) return `relay ${relay[1] ?? ''}`
  const [host] = partsOf(address)
  if (host?.value === undefined) return undefined
  if (host.name === 'ip4') return sourceOfIpv4(host.value)
  return host.name === 'ip6' ? sourceOfIpv6(host.value) : undefined
}

function partsOf(address: string): ReturnType<typeof parseAddress>['parts'] {
  try {
    return parseAddress(address).parts
  } catch {
    return []
  }
}

function sourceOfIpv4(text: string): string | undefined {
  const octets = text.split('.')
  return octets[0] === '127' ? undefined : `${octets.slice(0, 3).join('.')}.0/24`
}

function sourceOfIpv6(text: string): string | undefined {
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) // IPv4 in IPv6
  if (mapped !== null) {
    const [high, low] = [mapped[1], mapped[2]].map((group) => Number.parseInt(group ?? '', 16))
    return sourceOfIpv4([high ?? 0, low ?? 0].flatMap((group) => [group >> 8, group & 255]).join('.'))
  }
  if (text === '::1') return undefined
  const [head = '', tail] = text.split('::')
  const before = head === '' ? [] : head.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - tail.split(':').length)
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...(tail ?? '').split(':')]
  const prefix = groups.slice(0, 3).map((group) => Number.parseInt(group || '0', 16).toString(16))
  return `${prefix.join(':')}::/48`
}

/** Counts what is held by source. */
export class SourceCount {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  /** @param max of one source */
  constructor(max: number) {
    this.#max = max
  }

  hasRoom(address: string): boolean {
    const source = sourceOf(address)
    return source === undefined || (this.#counts.get(source) ?? 0) < this.#max
  }

  /** False when this source has as many as it may; else call the function once, when it is over. */
  take(address: string): (() => void) | false {
    const source = sourceOf(address)
    if (source === undefined) return () => undefined
    const count = this.#counts.get(source) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(source, count + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#counts.get(source) ?? 1) - 1
      if (left > 0) this.#counts.set(source, left)
      else this.#counts.delete(source)
    }
  }
}
