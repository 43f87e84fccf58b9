/**
 * Reads a package piece by piece and verifies it on the way (doc/spec/17-app-package.md, section 2): author and
 * signature before any content, then each content against its hash. Holds one content at a time. Nothing in a package
 * is compressed, so what comes out is never more than what went in.
 */
import { CanonicalReader, decodeEnvelope, equalBytes, signInput } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type VerifiedPrincipal, verifyPrincipal } from './author.ts'
import { packageBytesMax, packageHeadBytesMax } from './limits.ts'
import {
  type ContentHash,
  type Manifest,
  appId,
  decodeManifest,
  manifestFormat,
  manifestType
} from './manifest.ts'
import { PackageError, refuseAs } from './package-error.ts'

/** `btapp`, a zero byte, the format in two bytes. */
export const packageMagic: Uint8Array = Uint8Array.of(0x62, 0x74, 0x61, 0x70, 0x70, 0, 0, 1)
const magicNameBytes = 6
const coreHeader = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
const componentHeader = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)
const prefixBytes = 12 // magic and u32 length of the head

/** What is known once the head has been read and verified. */
export interface PackageHead {
  readonly manifest: Manifest
  readonly appId: Uint8Array
  readonly author: VerifiedPrincipal
  /** The signed envelope, as it stands in the package. */
  readonly signedManifest: Uint8Array
  readonly authorRecord: Uint8Array
  /** SHA-256 of the bytes under the signature: names this very release. */
  readonly releaseId: Uint8Array
}

/** One content whose hash holds: the module first, then the assets in the order of the manifest. */
export interface PackageContent {
  /** undefined for the module. */
  readonly path: string | undefined
  readonly bytes: Uint8Array
}

export interface VerifiedPackage extends PackageHead {
  readonly module: Uint8Array
  readonly assets: ReadonlyMap<string, Uint8Array>
}

/**
 * @param bytes kept, and viewed by the result: the caller must not change them afterwards
 * @throws PackageError
 */
export function readPackage(crypto: CryptoProvider, bytes: Uint8Array): VerifiedPackage {
  const reader = new PackageReader(crypto)
  const [module, ...assets] = reader.push(bytes)
  const head = reader.end()
  if (module === undefined) throw truncated('the module')
  return {
    ...head,
    module: module.bytes,
    assets: new Map(assets.map(({ path, bytes }) => [path ?? '', bytes]))
  }
}

export class PackageReader {
  readonly #crypto: CryptoProvider
  #chunks: Uint8Array[] = []
  #held = 0
  #taken = 0
  #headBytes: number | undefined
  #head: PackageHead | undefined
  /** Contents still to come, next one first. */
  #expected: (ContentHash & { readonly path: string | undefined })[] = []

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** Verified; undefined until its bytes have come. */
  get head(): PackageHead | undefined {
    return this.#head
  }

  /**
   * Takes the next piece, whatever its length.
   * @param chunk kept and viewed: the caller must not change it afterwards
   * @returns contents that are complete now
   * @throws PackageError; the reader is of no use after that
   */
  push(chunk: Uint8Array): PackageContent[] {
    if (chunk.length > 0) this.#chunks.push(chunk)
    this.#held += chunk.length
    if (this.#taken + this.#held > packageBytesMax) {
      throw new PackageError('ERR_PACKAGE_SIZE', `the package is larger than ${packageBytesMax} bytes`)
    }
    if (this.#head === undefined && !this.#readHead()) return []
    const contents: PackageContent[] = []
    for (
      let next = this.#expected[0];
      next !== undefined && this.#held >= next.size;
      next = this.#expected[0]
    ) {
      contents.push(this.#content(next))
      this.#expected.shift()
    }
    if (this.#expected.length === 0 && this.#held > 0) {
      throw new PackageError('ERR_PACKAGE_TRAILING', `${this.#held} bytes follow the last content`)
    }
    return contents
  }

  /** Every byte has been pushed. */
  end(): PackageHead {
    if (this.#head === undefined) throw truncated('the manifest')
    const next = this.#expected[0]
    if (next !== undefined) throw truncated(next.path === undefined ? 'the module' : `asset "${next.path}"`)
    return this.#head
  }

  /** False while bytes are missing. */
  #readHead(): boolean {
    if (this.#headBytes === undefined) {
      this.#checkMagic()
      if (this.#held < prefixBytes) return false
      this.#headBytes = headLength(this.#take(prefixBytes))
    }
    if (this.#held < this.#headBytes) return false
    this.#head = verifyHead(this.#crypto, this.#take(this.#headBytes))
    const { module, assets } = this.#head.manifest
    this.#expected = [{ ...module, path: undefined }, ...assets]
    const total = this.#expected.reduce((sum, { size }) => sum + size, this.#taken)
    if (total > packageBytesMax) {
      throw new PackageError(
        'ERR_PACKAGE_SIZE',
        `the package takes ${total} bytes, the limit is ${packageBytesMax}`
      )
    }
    return true
  }

  /** At the first bytes already, so that a large file of another kind is not collected first. */
  #checkMagic(): void {
    const start = joinChunks(this.#chunks, Math.min(this.#held, packageMagic.length))
    const name = start.subarray(0, magicNameBytes)
    if (!equalBytes(name, packageMagic.subarray(0, name.length))) {
      throw new PackageError('ERR_PACKAGE_FORMAT', 'the file does not begin like an app package ("btapp")')
    }
    if (!equalBytes(start, packageMagic.subarray(0, start.length))) {
      throw new PackageError(
        'ERR_PACKAGE_FORMAT_UNKNOWN',
        'the package has a format that is not known here: a later version of Blocktree may read it'
      )
    }
  }

  #content(expected: ContentHash & { readonly path: string | undefined }): PackageContent {
    const { path, size, sha256 } = expected
    const bytes = this.#take(size)
    if (!equalBytes(this.#crypto.sha256(bytes), sha256)) {
      const what = path === undefined ? 'the module' : `asset "${path}"`
      throw new PackageError('ERR_PACKAGE_HASH', `${what} is not the one that the author signed`)
    }
    if (path === undefined) checkModuleHeader(bytes)
    return { path, bytes }
  }

  /** The next `count` bytes, which are held; a view where one chunk has them all. */
  #take(count: number): Uint8Array {
    this.#held -= count
    this.#taken += count
    const first = this.#chunks[0]
    if (first !== undefined && first.length >= count) {
      if (first.length === count) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(count)
      return first.subarray(0, count)
    }
    const joined = joinChunks(this.#chunks, count)
    let left = count
    let whole = 0 // chunks that are used up
    while (left > 0 && left >= (this.#chunks[whole]?.length ?? left))
      left -= this.#chunks[whole++]?.length ?? left
    const rest = this.#chunks[whole]
    this.#chunks.splice(0, whole)
    if (rest !== undefined && left > 0) this.#chunks[0] = rest.subarray(left)
    return joined
  }
}

/** A copy of the first `count` bytes; the chunks have as many. */
function joinChunks(chunks: readonly Uint8Array[], count: number): Uint8Array {
  const joined = new Uint8Array(count)
  let offset = 0
  for (const chunk of chunks) {
    if (offset === count) break
    const part = chunk.subarray(0, count - offset)
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

function headLength(prefix: Uint8Array): number {
  const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(packageMagic.length)
  if (length <= packageHeadBytesMax) return length
  throw new PackageError(
    'ERR_PACKAGE_SIZE',
    `the head of the package has ${length} bytes, the limit is ${packageHeadBytesMax}`
  )
}

/** `[author's record, signed manifest]`. */
function verifyHead(crypto: CryptoProvider, bytes: Uint8Array): PackageHead {
  const { authorRecord, signedManifest, envelope } = refuseAs('ERR_PACKAGE_FORMAT', 'the head', () => {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(2)
    const authorRecord = reader.bin(bytes.length)
    const signedManifest = reader.bin(bytes.length)
    reader.end()
    return { authorRecord, signedManifest, envelope: decodeEnvelope(signedManifest) }
  })
  if (envelope.type !== manifestType || envelope.format !== manifestFormat) {
    throw new PackageError(
      'ERR_PACKAGE_FORMAT_UNKNOWN',
      `the manifest is of type ${envelope.type}, format ${envelope.format}; known here: ${manifestType}, ${manifestFormat}`
    )
  }
  const author = verifyPrincipal(crypto, authorRecord)
  if (!equalBytes(author.id, envelope.signer))
    throw new PackageError(
      'ERR_PACKAGE_AUTHOR',
      'the manifest is signed by another principal than the author'
    )
  const input = signInput(envelope)
  if (!crypto.verify(author.signingPublicKey, input, envelope.signature))
    throw new PackageError(
      'ERR_PACKAGE_SIGNATURE',
      "the signature of the manifest does not fit the author's key"
    )
  const manifest = decodeManifest(envelope.body)
  if (!equalBytes(manifest.author, author.id)) {
    throw new PackageError(
      'ERR_PACKAGE_APP_ID',
      'the manifest names another author than the one who signed it: the app id is not theirs to use'
    )
  }
  return {
    manifest,
    author,
    signedManifest,
    authorRecord,
    appId: appId(crypto, author.id, manifest.name),
    releaseId: crypto.sha256(input)
  }
}

/** ERR_PACKAGE_ABI for a component, ERR_PACKAGE_MODULE for what is no WebAssembly at all. */
export function checkModuleHeader(module: Uint8Array): void {
  const header = module.subarray(0, 8)
  if (equalBytes(header, coreHeader)) return
  if (equalBytes(header, componentHeader)) {
    throw new PackageError(
      'ERR_PACKAGE_ABI',
      'the module is a WebAssembly component; this node runs core modules: build it as one'
    )
  }
  throw new PackageError('ERR_PACKAGE_MODULE', 'the module is not a WebAssembly module of version 1')
}

function truncated(what: string): PackageError {
  return new PackageError('ERR_PACKAGE_TRUNCATED', `the package ends before ${what} is complete`)
}
