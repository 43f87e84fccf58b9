/** Making a package: hashes, signed manifest, one file. The same inputs give the same bytes. */
import { CanonicalWriter, concatBytes, encodeEnvelope, recordBytesMax, signInput } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type AppSigner, verifyPrincipal } from './author.ts'
import { packageBytesMax } from './limits.ts'
import { type AssetRow, type Manifest, encodeManifest, manifestFormat, manifestType } from './manifest.ts'
import { mediaTypeOf } from './media-type.ts'
import { PackageError } from './package-error.ts'
import { checkModuleHeader, packageMagic } from './package-reader.ts'

/** What an author decides; the rest follows from the contents. */
export type ManifestDraft = Omit<Manifest, 'author' | 'module' | 'assets'>

export interface PackAppOptions {
  readonly draft: ManifestDraft
  readonly module: Uint8Array
  /** By path; the order does not matter. */
  readonly assets: ReadonlyMap<string, Uint8Array>
  readonly signer: AppSigner
  /** Envelope of the signer's principal record. */
  readonly authorRecord: Uint8Array
}

/** @throws PackageError for whatever `readPackage` would refuse */
export function packApp(crypto: CryptoProvider, options: PackAppOptions): Uint8Array {
  const { draft, module, assets, signer, authorRecord } = options
  checkModuleHeader(module)
  const author = verifyPrincipal(crypto, authorRecord)
  const sorted = [...assets].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  const manifest: Manifest = {
    ...draft,
    author: author.id,
    module: { size: module.length, sha256: crypto.sha256(module) },
    assets: sorted.map(([path, bytes]): AssetRow => ({
      path,
      size: bytes.length,
      sha256: crypto.sha256(bytes),
      mediaType: mediaTypeOf(path)
    }))
  }
  const head = new CanonicalWriter(8192)
    .array(2)
    .bin(authorRecord)
    .bin(signManifest(signer, manifest))
    .finish()
  const parts = [packageMagic, bigEndian32(head.length), head, module, ...sorted.map(([, bytes]) => bytes)]
  const total = parts.reduce((sum, { length }) => sum + length, 0)
  if (total > packageBytesMax) {
    throw new PackageError(
      'ERR_PACKAGE_SIZE',
      `the package would take ${total} bytes, the limit is ${packageBytesMax}`
    )
  }
  return concatBytes(...parts)
}

function signManifest(signer: AppSigner, manifest: Manifest): Uint8Array {
  const body = encodeManifest(manifest)
  if (body.length > recordBytesMax - 256) {
    throw new PackageError(
      'ERR_PACKAGE_SIZE',
      `the manifest takes ${body.length} bytes, the limit is ${recordBytesMax - 256}: use fewer assets`
    )
  }
  const unsigned = { type: manifestType, format: manifestFormat, signer: signer.id, body }
  return encodeEnvelope({ ...unsigned, signature: signer.key.sign(signInput(unsigned)) })
}

function bigEndian32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}
