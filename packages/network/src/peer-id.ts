/**
 * Text and byte forms of a transport key: libp2p's peer id of an Ed25519 key, `12D3Koo…` (base58btc of the identity
 * multihash of the key's protobuf) and CIDv1 `bafz…` (base32). Both are read, the first is written
 * (github.com/libp2p/specs, peer-ids). Other kinds of keys are refused: a node has exactly one kind.
 */
import { base32 } from 'multiformats/bases/base32'
import { base58btc } from 'multiformats/bases/base58'
import { NetworkError } from './network-error.ts'

export const transportKeyBytes = 32

// identity multihash (00) of 36 bytes (24): protobuf field 1 = Ed25519 (08 01), field 2 = 32 bytes (12 20)
const head = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
// CID version 1 with the content type libp2p-key
const cidHead = Uint8Array.of(0x01, 0x72)
const charactersMax = 80

/** `12D3Koo…`, 52 characters. */
export function formatPeerId(key: Uint8Array): string {
  return base58btc.baseEncode(encodePeerId(key))
}

/** The key of a peer id in either text form; `ERR_NETWORK_ADDRESS_INVALID` when it is none of an Ed25519 key. */
export function parsePeerId(text: string): Uint8Array {
  if (text.length > charactersMax) throw invalid(text.slice(0, charactersMax), 'is too long')
  let bytes: Uint8Array
  try {
    bytes = text.startsWith('b') ? dropCidHead(base32.decode(text)) : base58btc.baseDecode(text)
  } catch (error) {
    throw invalid(text, 'is not readable', error)
  }
  const key = decodePeerId(bytes)
  if (key === undefined) throw invalid(text, 'is not the id of an Ed25519 key')
  return key
}

/** 38 bytes. */
export function encodePeerId(key: Uint8Array): Uint8Array {
  if (key.length !== transportKeyBytes) {
    throw new NetworkError(
      'ERR_NETWORK_ADDRESS_INVALID',
      `a transport key has ${transportKeyBytes} bytes, not ${key.length}`
    )
  }
  const bytes = new Uint8Array(head.length + key.length)
  bytes.set(head)
  bytes.set(key, head.length)
  return bytes
}

/** The key, or undefined when the bytes are no id of an Ed25519 key. */
export function decodePeerId(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== head.length + transportKeyBytes) return undefined
  return startsWith(bytes, head) ? bytes.slice(head.length) : undefined
}

function dropCidHead(bytes: Uint8Array): Uint8Array {
  return startsWith(bytes, cidHead) ? bytes.subarray(cidHead.length) : new Uint8Array()
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, index) => bytes[index] === byte)
}

function invalid(text: string, problem: string, cause?: unknown): NetworkError {
  return new NetworkError('ERR_NETWORK_ADDRESS_INVALID', `peer id "${text}" ${problem}`, { cause })
}
