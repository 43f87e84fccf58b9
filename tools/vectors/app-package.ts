/** Vectors of doc/spec/17-app-package.md: a whole package, and what is refused about one. */
import { CanonicalWriter, encodeEnvelope, signInput } from '@blocktree/codec'
import * as app from '@blocktree/app-package'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { type SeededPrincipal, crypto, device, root } from '../vector-tree.ts'
import { type Edit, type Value, decodeValue, editBytes } from '../vector-value.ts'

/** `(module (func))` would do; the empty module is shorter. */
const module: Uint8Array = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
const encoder = new TextEncoder()
const assets: ReadonlyMap<string, Uint8Array> = new Map([
  ['icon.svg', encoder.encode('<svg/>')],
  ['web/index.html', encoder.encode('<h1>Notes</h1>')]
])

export const draft: app.ManifestDraft = {
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
      name: 'friends',
      scope: { kind: 'messages', send: ['calendar', 'files'], receive: true, otherNodes: false },
      reason: 'Hands notes to your calendar',
      optional: true
    },
    {
      name: 'sync',
      scope: { kind: 'sockets', socket: 'tcp-connect', host: '*.example.org', portFirst: 993, portLast: 995 },
      reason: 'Reads mail',
      optional: true
    },
    {
      name: 'weather',
      scope: { kind: 'http-client', origins: ['https://*.example.org', 'https://api.example.org:8443'] },
      reason: 'Shows the weather',
      optional: true
    },
    {
      name: 'web',
      scope: { kind: 'http-server', public: false, clientAddress: false },
      reason: 'Shows its page',
      optional: false
    }
  ],
  limits: { memoryBytes: 100_000_000, invokeMs: 6000 },
  routes: [
    { path: '/', target: { kind: 'assets', directory: 'web', index: 'index.html' } },
    { path: '/api/', target: { kind: 'app' } }
  ],
  title: 'Notes',
  description: 'Short texts,\nfound again.',
  licence: 'MIT',
  icon: 'icon.svg'
}

export function samplePackage(changes: Partial<app.ManifestDraft> = {}): Uint8Array {
  const authorRecord = root.record.bytes
  return app.packApp(crypto, { draft: { ...draft, ...changes }, module, assets, signer: root, authorRecord })
}

export function generateVectors(): VectorPage {
  return {
    name: 'app-package',
    specification: 'doc/spec/17-app-package.md',
    comment:
      'accept: the `bytes` of a package, what its manifest says in plain values (byte strings as `{"bin": hex}`), the `appId`, the ' +
      '`releaseId` and the SHA-256 of each content. refuse: `bytes` are no package; `error` is the code of this implementation. ' +
      'Signatures hold unless the comment says otherwise. origins: whether `host` and port of an origin are covered by `pattern`.',
    groups: {
      accept: [acceptCase()],
      refuse: [...refusedFiles(), ...refusedManifests()],
      origins: originCases()
    }
  }
}

function acceptCase(): VectorCase {
  const bytes = samplePackage()
  const opened = app.readPackage(crypto, bytes)
  const { body } = parts(bytes)
  return {
    comment: 'every kind of permission, two assets, an icon',
    bytes: hex(bytes),
    manifest: shown(decodeValue(body)),
    author: hex(opened.author.id),
    appId: hex(opened.appId),
    releaseId: hex(opened.releaseId),
    contents: [opened.module, ...opened.assets.values()].map((content) => hex(crypto.sha256(content)))
  }
}

/** A value of page 01 in JSON. */
export function shown(value: Value): unknown {
  if (value instanceof Uint8Array) return { bin: hex(value) }
  return Array.isArray(value) ? (value as readonly Value[]).map(shown) : value
}

interface Parts {
  readonly author: Uint8Array
  readonly manifest: Uint8Array
  readonly body: Uint8Array
  readonly contents: Uint8Array
}

function parts(bytes: Uint8Array): Parts {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8)
  const head = decodeValue(bytes.subarray(12, 12 + length))
  if (!Array.isArray(head)) throw new Error('no head')
  const [author, manifest] = head as readonly Value[]
  if (!(author instanceof Uint8Array) || !(manifest instanceof Uint8Array)) throw new Error('no head')
  const envelope = decodeValue(manifest)
  const body: Value | undefined = Array.isArray(envelope) ? (envelope as readonly Value[])[4] : undefined
  if (!(body instanceof Uint8Array)) throw new Error('no body')
  return { author, manifest, body, contents: bytes.subarray(12 + length) }
}

function file({ author, manifest, contents }: Omit<Parts, 'body'>): Uint8Array {
  const head = new CanonicalWriter().array(2).bin(author).bin(manifest).finish()
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, head.length)
  return new Uint8Array([...encoder.encode('btapp\0'), 0, 1, ...length, ...head, ...contents])
}

function sign(signer: SeededPrincipal, body: Uint8Array, type = 32, format = 1): Uint8Array {
  const unsigned = { type, format, signer: signer.id, body }
  return encodeEnvelope({ ...unsigned, signature: signer.key.sign(signInput(unsigned)) })
}

function refusedFiles(): VectorCase[] {
  const bytes = samplePackage()
  const sound = parts(bytes)
  const { manifest, body } = sound
  const contentsStart = bytes.length - sound.contents.length
  const cases: readonly [string, Uint8Array][] = [
    ['another magic', flip(bytes, 0)],
    ['format 2', flip(bytes, 7, 3)],
    ['a head of 524,289 bytes', new Uint8Array([...bytes.subarray(0, 8), 0, 8, 0, 1])],
    ['the file ends inside the head', bytes.subarray(0, 100)],
    ['the file ends inside the last asset', bytes.subarray(0, bytes.length - 1)],
    ['a byte after the last asset', new Uint8Array([...bytes, 0])],
    ['a changed module', flip(bytes, contentsStart + 7)],
    ['a changed asset', flip(bytes, bytes.length - 1)],
    ['a changed signature', file({ ...sound, manifest: flip(manifest, manifest.length - 1) })],
    [
      'a changed signature of the author’s record',
      file({ ...sound, author: flip(sound.author, sound.author.length - 1) })
    ],
    ['the record of another principal', file({ ...sound, author: device.record.bytes })],
    [
      'signed by another principal, in the name of the author',
      file({ ...sound, author: device.record.bytes, manifest: sign(device, body) })
    ],
    ['a manifest of type 33', file({ ...sound, manifest: sign(root, body, 33) })],
    ['a manifest of format 2', file({ ...sound, manifest: sign(root, body, 32, 2) })],
    ['an author’s record of another type', file({ ...sound, author: sign(root, body, 2) })]
  ]
  return cases.map(([comment, bytes]) => ({ comment, bytes: hex(bytes), error: refusal(bytes) }))
}

/** The body with one value replaced and signed anew. */
function refusedManifests(): VectorCase[] {
  const sound = parts(samplePackage())
  const edits: readonly [string, readonly number[], Value | Edit][] = [
    ['a name with a capital', [1], 'Notes'],
    ['version 0', [2], 0],
    ['a lowest upgradable version above the version', [4], 4],
    ['a component', [5, 0], 1],
    ['a later version of the interface', [5, 1], 2],
    ['an asset named ..', [7, 0, 0], '..'],
    ['an asset twice', [7, 1, 0], 'icon.svg'],
    ['two assets that differ in case', [7, 0, 0], 'WEB/index.html'],
    ['a hidden asset', [7, 0, 0], '.htaccess'],
    ['an asset above 32 MiB', [7, 0, 1], 33_554_433],
    ['a permission twice', [8, 1, 0], 'data'],
    ['a permission without a reason', [8, 0, 1], ''],
    ['an unknown kind of permission', [8, 0, 3], 6],
    ['own files under another name', [8, 0, 0], 'own'],
    ['a files permission without a right', [8, 0, 4, 1], 0],
    ['an origin with a path', [8, 3, 4, 0, 1], 'https://api.example.org/'],
    ['an origin with its default port', [8, 3, 4, 0, 1], 'https://api.example.org:443'],
    ['an address in another spelling', [8, 3, 4, 0, 1], 'https://127.1'],
    ['origins out of order', [8, 3, 4, 0, 0], 'https://b.example.org'],
    ['an empty range of ports', [8, 2, 4, 3], 992],
    ['an unknown limit', [9, 1, 0], 99],
    ['a limit above its maximum', [9, 0, 1], 536_870_913],
    ['a route with ..', [10, 1, 0], '/../'],
    ['a route to files that are not there', [10, 0, 1, 0], 'www'],
    ['a title that turns text around', [11, 0], 'Notes \u202E'],
    ['a licence with other characters', [12], 'MIT\u00e4'],
    ['an icon that is no asset', [13], 'web']
  ]
  return edits.map(([comment, path, edit]) => {
    const body = editBytes(sound.body, path, edit)
    const bytes = file({ ...sound, manifest: sign(root, body) })
    return { comment, bytes: hex(bytes), error: refusal(bytes) }
  })
}

function originCases(): VectorCase[] {
  const cases: readonly [string, string][] = [
    ['https://example.org', 'https://example.org'],
    ['https://example.org', 'http://example.org'],
    ['https://example.org', 'https://www.example.org'],
    ['https://*.example.org', 'https://www.example.org'],
    ['https://*.example.org', 'https://a.www.example.org'],
    ['https://*.example.org', 'https://example.org'],
    ['https://*.example.org', 'https://badexample.org'],
    ['https://*', 'https://127.0.0.1'],
    ['https://*', 'https://example.org:8443'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]', 'http://[::1]']
  ]
  return cases.map(([pattern, origin]) => ({
    comment: `${pattern}, ${origin}`,
    pattern,
    origin,
    match: app.matchOrigin(pattern, app.parseOrigin(origin)) ?? null
  }))
}

function flip(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ mask
  return changed
}

function refusal(bytes: Uint8Array): string {
  try {
    app.readPackage(crypto, bytes)
  } catch (error) {
    if (error instanceof app.PackageError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
