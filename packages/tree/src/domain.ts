/**
 * Every domain string of the data model in one place: each hash, key derivation and piece of associated data
 * begins with one of these, so that bytes made for one purpose never serve another (doc/spec/05-records.md).
 */
import { newBytes } from '@blocktree/codec'

const encoder = new TextEncoder()

function domainBytes(name: string): Uint8Array {
  return encoder.encode(`blocktree/${name}/1\0`)
}

export type DomainName =
  | 'principal'
  | 'recovery'
  | 'blockId'
  | 'header'
  | 'blockKeyCommitment'
  | 'headerNonce'
  | 'blockKey'
  | 'zoneKeyCommitment'
  | 'pastKey'
  | 'childKey'
  | 'delivery'
  | 'link'
  | 'sector'

export const domain: Readonly<Record<DomainName, Uint8Array>> = {
  principal: domainBytes('principal'), // principal id over the body
  recovery: domainBytes('recovery'), // commitment to the recovery principal
  blockId: domainBytes('id'), // block id over the birth
  header: domainBytes('hdr'), // associated data of a header's sealed part
  blockKeyCommitment: domainBytes('kc'),
  headerNonce: domainBytes('nonce'),
  blockKey: domainBytes('blk'), // block key from the zone key
  zoneKeyCommitment: domainBytes('zkc'),
  pastKey: domainBytes('past'), // key that seals a previous zone key
  childKey: domainBytes('child'), // key that seals an inheriting zone's key
  delivery: domainBytes('seal'), // key that seals a delivered key
  link: domainBytes('link'), // recipient id of a link
  sector: domainBytes('sec') // associated data of sectors and nodes
}

/** u32, big-endian. */
export function bigEndian32(value: number): Uint8Array {
  const bytes = newBytes(4)
  writeBigEndian32(bytes, 0, value)
  return bytes
}

/** u64, big-endian, of an integer up to 2^53-1. */
export function bigEndian64(value: number): Uint8Array {
  const bytes = newBytes(8)
  writeBigEndian32(bytes, 0, Math.floor(value / 0x100000000))
  writeBigEndian32(bytes, 4, value % 0x100000000)
  return bytes
}

function writeBigEndian32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}

/** The single byte 1 that ends each one-block HKDF-Expand (RFC 5869) written as HMAC. */
export const expandCounter: Uint8Array = Uint8Array.of(1)
export const zeroNonce: Uint8Array = new Uint8Array(12) // for keys that are used exactly once
export const zeroId: Uint8Array = new Uint8Array(32)
