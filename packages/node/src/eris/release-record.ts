/**
 * The release record: what its author says about one release of an app, signed (doc/spec/25-eris.md, section 9). The
 * capability stands inside the signed part, so blocks may come from anybody and the URL from anywhere: both must give the
 * content that was signed.
 *
 *   envelope of type 34, format 1, signed by the author; body, an array of 8:
 *   author record | name | version | version text | capability | SHA-256 | references | URL
 */
import {
  CanonicalReader,
  CanonicalWriter,
  CodecError,
  decodeEnvelope,
  encodeEnvelope,
  equalBytes,
  signInput
} from '@blocktree/codec'
import { type AppSigner, verifyPrincipal } from '@blocktree/app-package'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type ReadCapability,
  ErisError,
  capabilityBytes,
  decodeCapability,
  encodeCapability
} from '@blocktree/eris'
import { NodeError } from '../node-error.ts'

export interface Release {
  /** Principal id of who signed it. */
  readonly author: Uint8Array
  readonly name: string
  readonly version: number
  readonly versionText: string
  /** Of the package. */
  readonly capability: ReadCapability
  /** Of the package, 32 bytes. */
  readonly sha256: Uint8Array
  /** Contents that it needs beside the package. */
  readonly references: readonly ReadCapability[]
  /** Where the package can be had otherwise; undefined when nowhere. */
  readonly url: string | undefined
}

const releaseType = 34
const releaseFormat = 1
const authorRecordBytesMax = 4096
const nameBytesMax = 64
const versionTextBytesMax = 64
const urlBytesMax = 2048
const referencesMax = 64
export const releaseBytesMax = 16_384

/** @param author its record goes into the body, so that the release is verified by itself */
export function signRelease(
  author: { readonly signer: AppSigner; readonly record: Uint8Array },
  release: Omit<Release, 'author'>
): Uint8Array {
  const writer = new CanonicalWriter(2048)
    .array(8)
    .bin(author.record)
    .str(release.name)
    .uint(release.version)
    .str(release.versionText)
    .bin(encodeCapability(release.capability))
    .bin(release.sha256)
    .array(release.references.length)
  for (const reference of release.references) writer.bin(encodeCapability(reference))
  const body = writer.str(release.url ?? '').finish()
  const unsigned = { type: releaseType, format: releaseFormat, signer: author.signer.id, body }
  return encodeEnvelope({ ...unsigned, signature: author.signer.key.sign(signInput(unsigned)) })
}

/** @throws ERR_RELEASE_FORMAT for any other shape, ERR_RELEASE_SIGNATURE when the author did not sign exactly this */
export function verifyRelease(crypto: CryptoProvider, bytes: Uint8Array): Release {
  if (bytes.length > releaseBytesMax) throw refused(`it has more than ${releaseBytesMax} bytes`)
  try {
    const envelope = decodeEnvelope(bytes)
    if (envelope.type !== releaseType || envelope.format !== releaseFormat) {
      throw refused(`it is of type ${envelope.type}, format ${envelope.format}`)
    }
    const reader = new CanonicalReader(envelope.body)
    reader.arrayOf(8)
    const author = verifyPrincipal(crypto, reader.bin(authorRecordBytesMax))
    const isSigned = crypto.verify(author.signingPublicKey, signInput(envelope), envelope.signature)
    if (!equalBytes(author.id, envelope.signer) || !isSigned) {
      throw new NodeError('ERR_RELEASE_SIGNATURE', 'the release was not signed by the author it names')
    }
    return { author: author.id, ...readRelease(reader) }
  } catch (error) {
    if (error instanceof NodeError) throw error
    if (!(error instanceof CodecError || error instanceof ErisError || isPackageError(error))) throw error
    throw refused(error.message, error)
  }
}

function readRelease(reader: CanonicalReader): Omit<Release, 'author'> {
  const name = reader.str(nameBytesMax)
  const version = reader.uint()
  const versionText = reader.str(versionTextBytesMax)
  const capability = decodeCapability(reader.binExact(capabilityBytes))
  const sha256 = Uint8Array.from(reader.binExact(32))
  const count = reader.array(referencesMax)
  const references = Array.from({ length: count }, () => decodeCapability(reader.binExact(capabilityBytes)))
  const url = reader.str(urlBytesMax)
  reader.end()
  if (url !== '' && !isWebUrl(url)) throw refused('its URL is neither http nor https')
  return { name, version, versionText, capability, sha256, references, url: url === '' ? undefined : url }
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/u.test(new URL(text).protocol)
}

function isPackageError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'PackageError'
}

function refused(problem: string, cause?: unknown): NodeError {
  const options = cause === undefined ? undefined : { cause }
  return new NodeError('ERR_RELEASE_FORMAT', `not a release record: ${problem}`, options)
}
