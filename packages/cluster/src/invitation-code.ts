/**
 * The code by which a new node finds an inviting one and proves itself: addresses, the transport key that must answer
 * there, and a secret of 128 bits (doc/spec/27-cluster.md, section 5). Typed by hand or shown as QR text: one case, no
 * letters that look alike, a checksum. Whoever has it may use it once, so it is shown and never logged.
 */
import { concatBytes, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import { ClusterError } from './cluster-error.ts'
import { codeAddressesMax } from './limits.ts'

export interface InvitationCode {
  /** 16 bytes. */
  readonly secret: Uint8Array
  /** Of the inviting node. */
  readonly transportKey: TransportKey
  /** First 8 bytes of SHA-256(principal of the inviting node | tree). */
  readonly fingerprint: Uint8Array
  /** Multiaddrs without a peer id, best first. */
  readonly addresses: readonly string[]
}

const version = 1
const prefix = 'BTJ'
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ' // Crockford: no I, L, O, U
const groupLength = 5
const checksumBytes = 4
const headBytes: number = 1 + 16 + 32 + 8
const codeCharactersMax = 1200
const domain: Uint8Array = new TextEncoder().encode('blocktree/invite/code/1\0')

export function fingerprintOf(crypto: CryptoProvider, principal: Uint8Array, tree: Uint8Array): Uint8Array {
  return crypto.sha256Parts([principal, tree]).slice(0, 8)
}

/** @throws ERR_ADDRESS_INVALID for more addresses than fit */
export function formatInvitationCode(crypto: CryptoProvider, code: InvitationCode): string {
  if (code.addresses.length > codeAddressesMax)
    throw new ClusterError('ERR_ADDRESS_INVALID', `a code holds at most ${codeAddressesMax} addresses`)
  const body = concatBytes(
    Uint8Array.of(version),
    code.secret,
    code.transportKey,
    code.fingerprint,
    ...code.addresses.map(encodeAddress)
  )
  const text = toBase32(concatBytes(body, checksum(crypto, body)))
  const groups = text.match(new RegExp(`.{1,${groupLength}}`, 'g')) ?? []
  return [prefix, ...groups].join('-')
}

/** White space, hyphens, case and look-alike letters are forgiven. @throws ERR_INVITATION_CODE */
export function parseInvitationCode(crypto: CryptoProvider, text: string): InvitationCode {
  const plain = text.replace(/[\s-]/g, '').toUpperCase()
  if (!plain.startsWith(prefix) || plain.length > codeCharactersMax)
    throw wrongCode(`an invitation begins with "${prefix}-"`)
  const bytes = fromBase32(plain.slice(prefix.length).replace(/O/g, '0').replace(/[IL]/g, '1'))
  if (bytes === undefined || bytes.length < headBytes + checksumBytes)
    throw wrongCode('it is cut off, or holds a character that does not belong there')
  const body = bytes.subarray(0, -checksumBytes)
  if (!equalBytes(checksum(crypto, body), bytes.subarray(-checksumBytes)))
    throw wrongCode('its checksum does not fit: a character is wrong or missing')
  if (body[0] !== version)
    throw wrongCode(`it has version ${body[0] ?? 0}: a later blocktree is needed to read it`)
  return {
    secret: body.slice(1, 17),
    transportKey: body.slice(17, 49),
    fingerprint: body.slice(49, headBytes),
    addresses: decodeAddresses(body.subarray(headBytes))
  }
}

function wrongCode(reason: string): ClusterError {
  return new ClusterError('ERR_INVITATION_CODE', `the invitation cannot be read: ${reason}`)
}

function checksum(crypto: CryptoProvider, body: Uint8Array): Uint8Array {
  return crypto.sha256Parts([domain, body]).subarray(0, checksumBytes)
}

const ip4Pattern = /^\/ip4\/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/tcp\/(\d{1,5})(\/tls)?$/
const addressKind = { ip4: 1, ip4Tls: 2 } as const // larger first bytes: that many bytes less 15 of text
const textBase = 15
const textBytesMax: number = 255 - textBase

/** `/ip4/…/tcp/…` takes 7 bytes, another address one byte and its text. */
function encodeAddress(address: string): Uint8Array {
  const match = ip4Pattern.exec(address)
  const numbers = match?.slice(1, 6).map(Number) ?? []
  const [a = 256, b = 256, c = 256, d = 256, port = 65_536] = numbers
  if (Math.max(a, b, c, d) < 256 && port < 65_536) {
    const kind = match?.[6] === undefined ? addressKind.ip4 : addressKind.ip4Tls
    return Uint8Array.of(kind, a, b, c, d, port >> 8, port & 255)
  }
  const text = new TextEncoder().encode(address)
  if (text.length > textBytesMax || text.length === 0)
    throw new ClusterError(
      'ERR_ADDRESS_INVALID',
      `an address of ${text.length} bytes does not fit into a code`
    )
  return concatBytes(Uint8Array.of(text.length + textBase), text)
}

function decodeAddresses(bytes: Uint8Array): readonly string[] {
  const addresses: string[] = []
  let offset = 0
  while (offset < bytes.length) {
    const kind = bytes[offset] ?? 0
    const isText = kind > textBase
    const length = isText ? kind - textBase : 6
    const part = bytes.subarray(offset + 1, offset + 1 + length)
    if (part.length < length || (!isText && kind !== addressKind.ip4 && kind !== addressKind.ip4Tls))
      throw wrongCode('an address in it is damaged')
    addresses.push(isText ? readText(part) : readIp4(part, kind === addressKind.ip4Tls))
    offset += 1 + length
  }
  if (addresses.length > codeAddressesMax) throw wrongCode('it holds too many addresses')
  return addresses
}

function readIp4(part: Uint8Array, isTls: boolean): string {
  const [a = 0, b = 0, c = 0, d = 0, high = 0, low = 0] = part
  return `/ip4/${a}.${b}.${c}.${d}/tcp/${high * 256 + low}${isTls ? '/tls' : ''}`
}

function readText(part: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(part)
    if (text.startsWith('/')) return text
  } catch {
    // falls through: not UTF-8
  }
  throw wrongCode('an address in it is damaged')
}

function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >> bits) & 31] ?? ''
    }
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + (alphabet[(value << (5 - bits)) & 31] ?? '')
}

/** undefined for characters outside the alphabet and left-over bits that are not zero. */
function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let value = 0
  let length = 0
  for (const character of text) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return undefined
    value = (value << 5) | digit
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = value >> bits
    value &= (1 << bits) - 1
  }
  return value === 0 && bits < 5 ? bytes : undefined
}
