/** Principals, a module and a manifest to build cases around. */
import { CanonicalReader, CanonicalWriter, decodeEnvelope, encodeEnvelope, signInput } from '@blocktree/codec'
import { createNativeProvider } from '@blocktree/crypto/native'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type AppSigner,
  type ManifestDraft,
  type PackAppOptions,
  PackageError,
  packApp
} from '@blocktree/app-package'

export const crypto: CryptoProvider = createNativeProvider()

export interface Author extends AppSigner {
  readonly record: Uint8Array
  /** Signs any body as any type. */
  sign(type: number, body: Uint8Array, format?: number): Uint8Array
}

export function makeAuthor(seed: number): Author {
  const key = crypto.signingKey(new Uint8Array(32).fill(seed))
  const { publicKey } = crypto.decapsulationKey(new Uint8Array(32).fill(seed))
  const body = new CanonicalWriter()
    .array(5)
    .uint(1)
    .bin(key.publicKey)
    .uint(1)
    .bin(publicKey)
    .array(0)
    .finish()
  const id = crypto.sha256Parts([new TextEncoder().encode('blocktree/principal/1\0'), body])
  const sign = (type: number, body: Uint8Array, format = 1): Uint8Array => {
    const unsigned = { type, format, signer: id, body }
    return encodeEnvelope({ ...unsigned, signature: key.sign(signInput(unsigned)) })
  }
  return { id, key, record: sign(1, body), sign }
}

export const alice: Author = makeAuthor(1)
export const mallory: Author = makeAuthor(2)

/** The empty module. */
export const emptyModule: Uint8Array = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

export const draft: ManifestDraft = {
  name: 'notes',
  version: 3,
  versionText: '1.2.0',
  minUpgradableVersion: 2,
  permissions: [
    {
      name: 'data',
      scope: { kind: 'files', object: 'own', rights: ['read', 'write', 'create', 'list'] },
      reason: 'Keeps your notes',
      optional: false
    },
    {
      name: 'web',
      scope: { kind: 'http-server', public: false, clientAddress: false },
      reason: 'Shows its page',
      optional: false
    }
  ],
  limits: { memoryBytes: 128 * 1024 * 1024 },
  routes: [
    { path: '/', target: { kind: 'assets', directory: 'web', index: 'index.html' } },
    { path: '/api/', target: { kind: 'app' } }
  ],
  title: 'Notes',
  description: 'Short texts,\nfound again.',
  licence: 'MIT',
  icon: 'web/icon.svg'
}

export const assets: ReadonlyMap<string, Uint8Array> = new Map([
  ['web/index.html', new TextEncoder().encode('<h1>Notes</h1>')],
  ['web/icon.svg', new TextEncoder().encode('<svg/>')]
])

export function pack(
  changes: Partial<ManifestDraft> = {},
  options: Partial<PackAppOptions> = {}
): Uint8Array {
  return packApp(crypto, {
    draft: { ...draft, ...changes },
    module: emptyModule,
    assets,
    signer: alice,
    authorRecord: alice.record,
    ...options
  })
}

/** The parts of a package file, to put it together differently. */
export function takeApart(bytes: Uint8Array): {
  authorRecord: Uint8Array
  manifest: Uint8Array
  body: Uint8Array
  contents: Uint8Array
} {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8)
  const reader = new CanonicalReader(bytes.subarray(12, 12 + length))
  reader.arrayOf(2)
  const authorRecord = reader.bin(length)
  const manifest = reader.bin(length)
  return {
    authorRecord,
    manifest,
    body: decodeEnvelope(manifest).body,
    contents: bytes.subarray(12 + length)
  }
}

export function putTogether(parts: {
  authorRecord: Uint8Array
  manifest: Uint8Array
  contents: Uint8Array
}): Uint8Array {
  const head = new CanonicalWriter().array(2).bin(parts.authorRecord).bin(parts.manifest).finish()
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, head.length)
  return new Uint8Array([0x62, 0x74, 0x61, 0x70, 0x70, 0, 0, 1, ...length, ...head, ...parts.contents])
}

/** The code of the PackageError that `act` throws; `accepted` when it throws none. */
export function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof PackageError) return error.code
    throw error
  }
  return 'accepted'
}
