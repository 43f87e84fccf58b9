/**
 * The first word of both sides on every connection: who speaks, proven by an endpoint record in which the principal
 * certifies the transport key that the channel has proven (MODEL A44). Bytes in doc/spec/27-cluster.md, section 2.
 */
import { CanonicalReader, CanonicalWriter, CodecError, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { TransportKey } from '@blocktree/network'
import {
  type AnyRecord,
  type EndpointRecord,
  type PrincipalRecord,
  TreeError,
  checkPrincipalRecord,
  decodeRecord,
  recordType,
  verifyRecordSignature
} from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import {
  clockSkewMs,
  featureBytesMax,
  featuresMax,
  helloBytesMax,
  helloCapsMax,
  helloTreesMax
} from './limits.ts'
import type { HelloTree } from './ports.ts'

/** Version of all `cluster.*` methods together. */
export const protocolVersion = 1

export const helloPurpose = { peer: 0, join: 1 } as const
export type HelloPurpose = (typeof helloPurpose)[keyof typeof helloPurpose]

export interface Hello {
  readonly principal: PrincipalRecord
  readonly endpoint: EndpointRecord
  readonly trees: readonly HelloTree[]
  readonly features: readonly string[]
  /** The clock of the sender, milliseconds since 1970: a claim. */
  readonly clockMs: number
  readonly purpose: HelloPurpose
}

export interface HelloDraft extends Omit<Hello, 'principal' | 'endpoint'> {
  readonly principal: Pick<PrincipalRecord, 'bytes'>
  readonly endpoint: Pick<EndpointRecord, 'bytes'>
}

export function encodeHello(hello: HelloDraft): Uint8Array {
  const writer = new CanonicalWriter(4096).array(8).uint(protocolVersion)
  writer.bin(hello.principal.bytes).bin(hello.endpoint.bytes)
  writer.array(hello.trees.length)
  for (const { tree, caps } of hello.trees) {
    writer.array(2).bin(tree).array(caps.length)
    for (const cap of caps) writer.bin(cap)
  }
  writer.array(hello.features.length)
  for (const feature of hello.features) writer.str(feature)
  return writer.uint(hello.clockMs).uint(hello.purpose).array(0).finish()
}

/**
 * A hello whose signatures hold and whose endpoint certifies `remoteKey`, at `nowMs` give or take ten minutes.
 * @throws ERR_HELLO_FORMAT, ERR_HELLO_PROOF
 */
export function openHello(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  { remoteKey, nowMs }: { readonly remoteKey: TransportKey; readonly nowMs: number }
): Hello {
  const hello = decodeHello(crypto, bytes)
  checkEndpoint(crypto, hello.principal, hello.endpoint, nowMs)
  if (!equalBytes(hello.endpoint.body.transportKey, remoteKey)) {
    throw new ClusterError(
      'ERR_HELLO_PROOF',
      'the endpoint certifies another transport key than that of this connection'
    )
  }
  return hello
}

/** @throws ERR_HELLO_PROOF unless both records hold and the endpoint is the principal's and has not ended */
export function checkEndpoint(
  crypto: CryptoProvider,
  principal: PrincipalRecord,
  endpoint: EndpointRecord,
  nowMs: number
): void {
  checkEndpointSigned(crypto, principal, endpoint)
  if (endpoint.body.notAfter + clockSkewMs < nowMs) {
    throw new ClusterError(
      'ERR_HELLO_PROOF',
      `the endpoint ended at ${new Date(endpoint.body.notAfter).toISOString()}`
    )
  }
}

/** @throws ERR_HELLO_PROOF unless both records hold and the endpoint is the principal's */
export function checkEndpointSigned(
  crypto: CryptoProvider,
  principal: PrincipalRecord,
  endpoint: EndpointRecord
): void {
  try {
    checkPrincipalRecord(crypto, principal)
    const key = principal.body.signingPublicKey
    verifyRecordSignature(crypto, principal, key)
    if (!equalBytes(endpoint.signer, principal.signer))
      throw new ClusterError('ERR_HELLO_PROOF', 'the endpoint is signed by another principal')
    verifyRecordSignature(crypto, endpoint, key)
  } catch (cause) {
    if (!(cause instanceof TreeError)) throw cause
    throw new ClusterError('ERR_HELLO_PROOF', `a record of the hello does not hold: ${cause.message}`, {
      cause
    })
  }
}

function decodeHello(crypto: CryptoProvider, bytes: Uint8Array): Hello {
  if (bytes.length > helloBytesMax)
    throw new ClusterError('ERR_HELLO_FORMAT', `a hello of ${bytes.length} bytes is too long`)
  try {
    return readHello(crypto, new CanonicalReader(bytes.slice()))
  } catch (cause) {
    if (!(cause instanceof CodecError || cause instanceof TreeError)) throw cause
    throw new ClusterError('ERR_HELLO_FORMAT', `the hello is damaged: ${cause.message}`, { cause })
  }
}

function readHello(crypto: CryptoProvider, reader: CanonicalReader): Hello {
  reader.array(64, 1) // a later version may have another number of fields
  const version = reader.uint()
  if (version !== protocolVersion)
    throw new ClusterError(
      'ERR_HELLO_FORMAT',
      `the peer speaks version ${version}, this node ${protocolVersion}`
    )
  const principal = readRecord(crypto, reader, recordType.principal)
  const endpoint = readRecord(crypto, reader, recordType.endpoint)
  const trees = readTrees(reader)
  const features = readFeatures(reader)
  const clockMs = reader.uint()
  const purpose = reader.uint(1) === 1 ? helloPurpose.join : helloPurpose.peer
  reader.arrayOf(0) // extensions of later versions
  reader.end()
  return { principal, endpoint, trees, features, clockMs, purpose }
}

/** One record of the given type. @throws CodecError, TreeError, ERR_HELLO_FORMAT */
function readRecord<Type extends AnyRecord['type']>(
  crypto: CryptoProvider,
  reader: CanonicalReader,
  type: Type
): Extract<AnyRecord, { readonly type: Type }> {
  const record = decodeRecord(crypto, reader.bin(helloBytesMax))
  if (isOfType(record, type)) return record
  throw new ClusterError('ERR_HELLO_FORMAT', `a record of type ${record.type} stands where ${type} belongs`)
}

function isOfType<Type extends AnyRecord['type']>(
  record: AnyRecord,
  type: Type
): record is Extract<AnyRecord, { readonly type: Type }> {
  return record.type === type
}

function readTrees(reader: CanonicalReader): readonly HelloTree[] {
  const trees: HelloTree[] = []
  for (let left = reader.array(helloTreesMax); left > 0; left--) {
    reader.arrayOf(2)
    const tree = reader.binExact(32)
    const caps: Uint8Array[] = []
    for (let count = reader.array(helloCapsMax); count > 0; count--) caps.push(reader.binExact(32))
    trees.push({ tree, caps })
  }
  return trees
}

function readFeatures(reader: CanonicalReader): readonly string[] {
  const features: string[] = []
  for (let left = reader.array(featuresMax); left > 0; left--) features.push(reader.str(featureBytesMax))
  return features
}
