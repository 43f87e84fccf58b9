/**
 * IP addresses as bytes, and which of them lie in networks that are not the internet's: an app reaches those only when
 * its grant names them literally (RFC 6890 and the IANA special-purpose registries).
 */

/** 4 or 16 bytes; undefined for what is no address in its usual spelling. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseSix(text) : parseFour(text)
}

function parseFour(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (
    parts.length !== 4 ||
    !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
  ) {
    return undefined
  }
  return Uint8Array.from(parts, Number)
}

function parseSix(text: string): Uint8Array | undefined {
  const plain = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0] ?? '')
  const tail = halves[1] === undefined ? undefined : groupsOf(halves[1])
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const missing = 16 - head.length - (tail?.length ?? 0)
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return Uint8Array.from([...head, ...new Array<number>(Math.max(missing, 0)).fill(0), ...(tail ?? [])])
}

/** Bytes of groups between colons; an IPv4 address may be the last. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (group.includes('.') && index === groups.length - 1) {
      const four = parseFour(group)
      if (four === undefined) return undefined
      bytes.push(...four)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
    } else return undefined
  }
  return bytes
}

interface Network {
  readonly prefix: readonly number[]
  readonly bits: number
}

const specialFour: readonly Network[] = [
  net([0], 8), // this network
  net([10], 8), // private
  net([100, 64], 10), // between carriers and customers
  net([127], 8), // loopback
  net([169, 254], 16), // link-local, and where clouds keep their secrets
  net([172, 16], 12), // private
  net([192, 0, 0], 24), // protocol assignments
  net([192, 0, 2], 24), // documentation
  net([192, 88, 99], 24), // relays of 6to4
  net([192, 168], 16), // private
  net([198, 18], 15), // benchmarks
  net([198, 51, 100], 24), // documentation
  net([203, 0, 113], 24), // documentation
  net([224], 4), // multicast
  net([240], 4) // reserved, and broadcast
]

const specialSix: readonly Network[] = [
  net([], 96), // unspecified, loopback, and IPv4 in its deprecated form
  net([0, 0x64, 0xff, 0x9b, 0, 1], 48), // translation within a network
  net([1], 8), // discard
  net([0x20, 0x01, 0x00], 23), // protocol assignments, Teredo among them
  net([0x20, 0x01, 0x0d, 0xb8], 32), // documentation
  net([0x20, 0x02], 16), // 6to4: leads to any IPv4 address
  net([0x3f, 0xff], 20), // documentation
  net([0x5f, 0x00], 16), // segment routing
  net([0xfc], 7), // private
  net([0xfe, 0x80], 10), // link-local
  net([0xfe, 0xc0], 10), // site-local
  net([0xff], 8) // multicast
]

const mappedFour = net([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96)
const translatedFour = net([0, 0x64, 0xff, 0x9b], 96)

function net(prefix: readonly number[], bits: number): Network {
  return { prefix, bits }
}

/** True for loopback, private, link-local and other special networks; an IPv4 address inside an IPv6 one counts. */
export function isSpecialAddress(address: Uint8Array): boolean {
  if (address.byteLength === 4) return specialFour.some((network) => isWithin(address, network))
  if (isWithin(address, mappedFour) || isWithin(address, translatedFour)) {
    return isSpecialAddress(address.subarray(12))
  }
  return specialSix.some((network) => isWithin(address, network))
}

function isWithin(address: Uint8Array, { prefix, bits }: Network): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 255 : (255 << (8 - (bits - bit))) & 255
    if (((address[bit / 8] ?? 0) & mask) !== ((prefix[bit / 8] ?? 0) & mask)) return false
  }
  return true
}
