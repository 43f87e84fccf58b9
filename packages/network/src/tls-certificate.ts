/**
 * The certificate of a node for TLS: self-signed, Ed25519, the same bytes each time. It carries the transport key and
 * says nothing else; peers compare the key and look at no other field, so there is no authority, no date and no name to
 * trust. X.509 version 1 in DER (RFC 5280, RFC 8410), written here because it is forty lines of fixed shape.
 */
import { sign } from 'node:crypto'
import { formatPeerId } from './peer-id.ts'
import type { TransportIdentity } from './transport-identity.ts'

const tag = {
  integer: 0x02,
  bits: 0x03,
  oid: 0x06,
  text: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31
}
const ed25519 = element(tag.oid, Uint8Array.of(0x2b, 0x65, 0x70)) // 1.3.101.112
const commonName = element(tag.oid, Uint8Array.of(0x55, 0x04, 0x03)) // 2.5.4.3
const algorithm = element(tag.sequence, ed25519)
// the second date is the one of RFC 5280, 4.1.2.5, for certificates without an end
const validity = element(
  tag.sequence,
  element(tag.utcTime, ascii('200101000000Z')),
  element(tag.time, ascii('99991231235959Z'))
)

/** PEM text; the subject's name is the peer id. */
export function createCertificate({ publicKey, privateKey }: TransportIdentity): string {
  const attribute = element(tag.sequence, commonName, element(tag.text, ascii(formatPeerId(publicKey))))
  const name = element(tag.sequence, element(tag.set, attribute))
  const serial = element(tag.integer, Uint8Array.of(1))
  const subjectKey = element(tag.sequence, algorithm, bitString(publicKey))
  const content = element(tag.sequence, serial, algorithm, name, validity, name, subjectKey)
  const certificate = element(tag.sequence, content, algorithm, bitString(sign(null, content, privateKey)))
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function bitString(bytes: Uint8Array): Uint8Array {
  return element(tag.bits, Uint8Array.of(0), bytes)
}

/** Contents of up to 65,535 bytes. */
function element(type: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const { length } = content
  const head =
    length < 128
      ? [type, length]
      : length < 256
        ? [type, 0x81, length]
        : [type, 0x82, length >> 8, length & 255]
  return Uint8Array.from(Buffer.concat([Uint8Array.from(head), content]))
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'ascii'))
}
