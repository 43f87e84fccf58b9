/**
 * Endpoints as they are passed on (doc/spec/27-cluster.md, section 4): each with the principal record that proves it.
 * Whoever passes them on is trusted with nothing.
 */
import { CanonicalReader, CanonicalWriter, CodecError, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type EndpointRecord,
  type Id,
  type PrincipalRecord,
  TreeError,
  decodeRecord,
  recordType
} from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { checkEndpoint } from './hello.ts'
import { exchangedEndpointsMax, foundEndpointBytesMax } from './limits.ts'

const format = 1

export interface KnownEndpoint {
  readonly principal: PrincipalRecord
  readonly endpoint: EndpointRecord
}

export interface KnownEndpointBytes {
  readonly principal: Pick<PrincipalRecord, 'bytes'>
  readonly endpoint: Pick<EndpointRecord, 'bytes'>
}

export function encodeKnownEndpoints(known: readonly KnownEndpointBytes[]): Uint8Array {
  const writer = new CanonicalWriter(4096).array(2).uint(format).array(known.length)
  for (const { principal, endpoint } of known) writer.array(2).bin(principal.bytes).bin(endpoint.bytes)
  return writer.finish()
}

/** Their form alone: signatures and times are for who takes them. @throws ERR_METHOD_FORMAT */
export function decodeKnownEndpoints(crypto: CryptoProvider, bytes: Uint8Array): readonly KnownEndpoint[] {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(2)
    reader.uint(format, format)
    const known: KnownEndpoint[] = []
    for (let left = reader.array(exchangedEndpointsMax); left > 0; left--) {
      reader.arrayOf(2)
      const principal = decodeRecord(crypto, reader.bin(bytes.length).slice())
      const endpoint = decodeRecord(crypto, reader.bin(bytes.length).slice())
      if (principal.type !== recordType.principal || endpoint.type !== recordType.endpoint)
        throw new ClusterError('ERR_METHOD_FORMAT', 'another record stands where an endpoint belongs')
      known.push({ principal, endpoint })
    }
    reader.end()
    return known
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw new ClusterError('ERR_METHOD_FORMAT', `the list of addresses is damaged: ${cause.message}`, {
      cause
    })
  }
}

/**
 * One endpoint from anywhere, of the principal that was asked for.
 * @throws ERR_METHOD_FORMAT for another form, ERR_HELLO_PROOF when it does not hold, has ended or is of another principal
 */
export function openKnownEndpoint(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  { principal, nowMs }: { readonly principal: Id; readonly nowMs: number }
): KnownEndpoint {
  if (bytes.length > foundEndpointBytesMax)
    throw new ClusterError('ERR_METHOD_FORMAT', `an endpoint of ${bytes.length} bytes is too long`)
  const [known, ...others] = decodeKnownEndpoints(crypto, bytes.slice())
  if (known === undefined || others.length > 0)
    throw new ClusterError('ERR_METHOD_FORMAT', 'one endpoint is expected')
  if (!equalBytes(known.principal.signer, principal))
    throw new ClusterError('ERR_HELLO_PROOF', 'the endpoint is of another principal')
  checkEndpoint(crypto, known.principal, known.endpoint, nowMs)
  return known
}
