/**
 * Endpoints: the transport key and addresses of a node, certified by its principal, so that the two keys rotate
 * apart (body `[tree, transportKey, [address…], notAfter, sequence, ext]`).
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId } from './id-set.ts'
import { addressBytesMax, addressesMax } from './limits.ts'
import type { EndpointBody, EndpointRecord, Extension } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

export function encodeEndpointBody(body: Draft<EndpointBody>): Uint8Array {
  const writer = new CanonicalWriter(256).array(6).bin(body.tree).bin(body.transportKey)
  writer.array(body.addresses.length)
  for (const address of body.addresses) writer.str(address)
  writer.uint(body.notAfter).uint(body.sequence)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeEndpointBody(bytes: Uint8Array): EndpointBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(6)
  const body: EndpointBody = {
    tree: readId(reader),
    transportKey: reader.binExact(32), // raw Ed25519 public key
    addresses: readAddresses(reader),
    notAfter: reader.uint(),
    sequence: reader.uint(),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

function readAddresses(reader: CanonicalReader): readonly string[] {
  const count = reader.array(addressesMax)
  const addresses: string[] = []
  for (let index = 0; index < count; index++) addresses.push(reader.str(addressBytesMax))
  return addresses
}

/** @param draft addresses in order of preference, as multiaddr text */
export function createEndpoint(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Draft<EndpointBody>
): EndpointRecord {
  return createRecord(crypto, recordType.endpoint, signer, encodeEndpointBody(draft), decodeEndpointBody)
}

const nameCode = 2 // page 05, section 11
const namePattern = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** The extension in which a node says what it is called; not critical. @param name 1 to 64 of a-z 0-9 - _ */
export function endpointName(name: string): Extension {
  return { code: nameCode, critical: false, bytes: new TextEncoder().encode(name) }
}

/** What the node calls itself; undefined when it says nothing, or nothing that is a name. */
export function nameOfEndpoint({ ext }: Pick<EndpointBody, 'ext'>): string | undefined {
  const found = ext.find(({ code }) => code === nameCode)
  const name = found === undefined ? '' : new TextDecoder().decode(found.bytes)
  return namePattern.test(name) ? name : undefined
}
