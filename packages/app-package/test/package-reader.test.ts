/** Packages as a stranger may send them. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CanonicalWriter } from '@blocktree/codec'
import {
  PackageError,
  PackageReader,
  appId,
  checkUpgrade,
  describePackage,
  readPackage
} from '@blocktree/app-package'
import {
  alice,
  assets,
  crypto,
  draft,
  emptyModule,
  mallory,
  pack,
  putTogether,
  refusal,
  takeApart
} from './author-fixture.ts'

const runs = process.env['SLOW'] === '1' ? 5000 : 200

function read(bytes: Uint8Array): string {
  return refusal(() => readPackage(crypto, bytes))
}

describe('readPackage', () => {
  test('reads what packApp made', () => {
    const { manifest, module, assets: read, author, ...head } = readPackage(crypto, pack())
    expect(manifest).toMatchObject(draft)
    expect(module).toEqual(emptyModule)
    expect([...read.keys()]).toEqual(['web/icon.svg', 'web/index.html'])
    expect(read.get('web/index.html')).toEqual(assets.get('web/index.html'))
    expect(author.id).toEqual(alice.id)
    expect(head.appId).toEqual(appId(crypto, alice.id, 'notes'))
    expect(manifest.assets[0]?.mediaType).toBe('image/svg+xml')
  })

  test('the same inputs give the same bytes, whatever the order of the assets', () => {
    expect(pack({}, { assets: new Map([...assets].reverse()) })).toEqual(pack())
  })

  test('refuses a manifest signed by another key than the record that comes with it', () => {
    const { body, contents } = takeApart(pack())
    expect(
      read(putTogether({ authorRecord: alice.record, manifest: mallory.sign(32, body), contents }))
    ).toBe('ERR_PACKAGE_AUTHOR')
  })

  test('refuses a signature that does not hold', () => {
    const { manifest, contents } = takeApart(pack())
    const forged = manifest.slice()
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    expect(read(putTogether({ authorRecord: alice.record, manifest: forged, contents }))).toBe(
      'ERR_PACKAGE_SIGNATURE'
    )
  })

  test("refuses a stranger's package that claims the app id of another author", () => {
    const { body, contents } = takeApart(pack())
    expect(
      read(putTogether({ authorRecord: mallory.record, manifest: mallory.sign(32, body), contents }))
    ).toBe('ERR_PACKAGE_APP_ID')
  })

  test("refuses an author's record with another key inside", () => {
    const { manifest, contents } = takeApart(pack())
    const forged = alice.record.slice()
    forged.set(mallory.key.publicKey, findBytes(forged, alice.key.publicKey))
    expect(read(putTogether({ authorRecord: forged, manifest, contents }))).toBe('ERR_PACKAGE_AUTHOR')
  })

  test('refuses a record of another type or format in place of the manifest', () => {
    const { body, contents } = takeApart(pack())
    for (const manifest of [alice.sign(33, body), alice.sign(32, body, 2)]) {
      expect(read(putTogether({ authorRecord: alice.record, manifest, contents }))).toBe(
        'ERR_PACKAGE_FORMAT_UNKNOWN'
      )
    }
  })

  test('refuses a module and an asset that are not the signed ones', () => {
    const package1 = pack()
    const { contents } = takeApart(package1)
    const start = package1.length - contents.length
    for (const at of [start + 7, package1.length - 1]) {
      const changed = package1.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(read(changed)).toBe('ERR_PACKAGE_HASH')
    }
  })

  test('refuses a file that ends early or goes on', () => {
    const bytes = pack()
    for (const length of [0, 5, 11, 12, 100, bytes.length - 20, bytes.length - 1]) {
      expect(read(bytes.subarray(0, length))).toBe('ERR_PACKAGE_TRUNCATED')
    }
    expect(read(new Uint8Array([...bytes, 0]))).toBe('ERR_PACKAGE_TRAILING')
  })

  test('refuses another file, and another version of the format, at their first bytes', () => {
    expect(read(new TextEncoder().encode('PK\u0003\u0004'))).toBe('ERR_PACKAGE_FORMAT')
    expect(read(Uint8Array.of(0x62, 0x74, 0x61, 0x70, 0x70, 0, 0, 2))).toBe('ERR_PACKAGE_FORMAT_UNKNOWN')
  })

  test('refuses a head and contents that claim more than the limits before taking them', () => {
    const head = Uint8Array.of(0x62, 0x74, 0x61, 0x70, 0x70, 0, 0, 1, 0xff, 0xff, 0xff, 0xff)
    expect(read(head)).toBe('ERR_PACKAGE_SIZE')
    const sizes = [assetRow('a', 33 * 1024 * 1024)]
    expect(read(signed(manifestBody({ assets: sizes })))).toBe('ERR_PACKAGE_SIZE')
    const many = ['a', 'b', 'c', 'd', 'e'].map((path) => assetRow(path, 30 * 1024 * 1024))
    expect(read(signed(manifestBody({ assets: many })))).toBe('ERR_PACKAGE_SIZE')
  })

  test('refuses components and later interfaces by name', () => {
    expect(() => readPackage(crypto, signed(manifestBody({ abi: [1, 1] })))).toThrow(/WebAssembly component/)
    expect(read(signed(manifestBody({ abi: [1, 1] })))).toBe('ERR_PACKAGE_ABI')
    expect(read(signed(manifestBody({ abi: [0, 2] })))).toBe('ERR_PACKAGE_ABI')
    const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)
    expect(refusal(() => pack({}, { module: component }))).toBe('ERR_PACKAGE_ABI')
    expect(refusal(() => pack({}, { module: new Uint8Array(8) }))).toBe('ERR_PACKAGE_MODULE')
  })

  test('accepts the hand-made body when nothing is wrong with it', () => {
    expect(read(signed(manifestBody({})))).toBe('accepted')
  })

  test.each([
    ['..', 'a/../b'],
    ['an absolute path', '/a'],
    ['an empty component', 'a//b'],
    ['a hidden file', 'a/.htaccess'],
    ['a backslash', 'a\\b'],
    ['a NUL', 'a\0b'],
    ['white space', 'a b'],
    ['a final dot', 'a.'],
    ['a device', 'web/CON.txt'],
    ['other letters', 'ä'],
    ['a long path', 'a'.repeat(256)],
    ['nothing', '']
  ])('refuses an asset named with %s', (_what, path) => {
    expect(read(signed(manifestBody({ assets: [assetRow(path, 0)] })))).toMatch(/ERR_PACKAGE_(ASSET|FORMAT)/)
  })

  test.each([
    ['one name twice', ['a', 'a']],
    ['another order', ['b', 'a']],
    ['names that differ in case', ['A', 'a']],
    ['a file that is a directory too', ['a', 'a/b']],
    ['a file that is a directory too, in another case', ['A/b', 'a']]
  ])('refuses assets with %s', (_what, paths) => {
    expect(read(signed(manifestBody({ assets: paths.map((path) => assetRow(path, 0)) })))).toBe(
      'ERR_PACKAGE_ASSET'
    )
  })

  test('answers any damage with a PackageError, and never takes damaged bytes for sound ones', () => {
    const sound = pack()
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = sound.slice()
        bytes[at] = (bytes[at] ?? 0) ^ change
        expect(read(bytes)).toMatch(/^ERR_PACKAGE/)
      }),
      { numRuns: runs }
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(read(new Uint8Array([...sound.subarray(0, 8), ...noise]))).toMatch(/^ERR_PACKAGE/)
        expect(read(noise)).toMatch(/^ERR_PACKAGE/)
      }),
      { numRuns: runs }
    )
  })

  test('answers any signed body with a manifest or a PackageError', () => {
    const { body } = takeApart(pack())
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), fc.nat(3), (at, byte, added) => {
        const changed = new Uint8Array([...body, ...new Uint8Array(added)])
        changed[at] = byte
        expect(read(signed(changed))).toMatch(/^ERR_PACKAGE|accepted/)
      }),
      { numRuns: runs }
    )
  })
})

describe('PackageReader', () => {
  test('gives out the same contents whatever the pieces', () => {
    const bytes = pack()
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const ends = [...cuts.sort((one, other) => one - other), bytes.length]
        const reader = new PackageReader(crypto)
        let start = 0
        const contents = ends.flatMap((end) => {
          const piece = bytes.subarray(start, end)
          start = end
          return reader.push(piece)
        })
        expect(reader.end().manifest.name).toBe('notes')
        expect(contents.map(({ path }) => path)).toEqual([undefined, 'web/icon.svg', 'web/index.html'])
        expect(contents[2]?.bytes).toEqual(assets.get('web/index.html'))
      }),
      { numRuns: runs }
    )
  })

  test('knows the manifest before any content has come', () => {
    const bytes = pack()
    const reader = new PackageReader(crypto)
    const { contents } = takeApart(bytes)
    expect(reader.push(bytes.subarray(0, bytes.length - contents.length))).toEqual([])
    expect(reader.head?.manifest.title).toBe('Notes')
    expect(refusal(() => reader.end())).toBe('ERR_PACKAGE_TRUNCATED')
  })
})

describe('packApp', () => {
  test.each([
    ['a name with a dot', { name: 'no.tes' }, 'ERR_PACKAGE_MANIFEST'],
    ['version 0', { version: 0 }, 'ERR_PACKAGE_MANIFEST'],
    ['a lowest version above its own', { minUpgradableVersion: 4 }, 'ERR_PACKAGE_MANIFEST'],
    ['a title that turns the text around', { title: 'Notes\u202Eevil' }, 'ERR_PACKAGE_MANIFEST'],
    ['a title with a line feed', { title: 'a\nb' }, 'ERR_PACKAGE_MANIFEST'],
    ['a description with a terminal sequence', { description: '\u001B[2J' }, 'ERR_PACKAGE_MANIFEST'],
    ['an empty licence', { licence: '' }, 'ERR_PACKAGE_MANIFEST'],
    ['an icon that is not there', { icon: 'icon.png' }, 'ERR_PACKAGE_MANIFEST'],
    ['a limit above its maximum', { limits: { memoryBytes: 2 ** 40 } }, 'ERR_PACKAGE_LIMIT'],
    ['routes without a permission', { permissions: [] }, 'ERR_PACKAGE_ROUTE'],
    [
      'a permission twice',
      { permissions: [...draft.permissions, ...draft.permissions] },
      'ERR_PACKAGE_PERMISSION'
    ],
    [
      'a route with ..',
      { routes: [{ path: '/a/../b', target: { kind: 'app' as const } }] },
      'ERR_PACKAGE_ROUTE'
    ],
    [
      'a route without a slash',
      { routes: [{ path: 'a', target: { kind: 'app' as const } }] },
      'ERR_PACKAGE_ROUTE'
    ],
    [
      'a route to files that are not there',
      { routes: [{ path: '/', target: { kind: 'assets' as const, directory: 'www', index: undefined } }] },
      'ERR_PACKAGE_ROUTE'
    ]
  ])('refuses %s', (_what, changes, code) => {
    expect(refusal(() => pack(changes))).toBe(code)
  })

  test('refuses a module above the limit it asks for', () => {
    const module = new Uint8Array(9 * 1024 * 1024)
    module.set(emptyModule)
    expect(refusal(() => pack({}, { module }))).toBe('ERR_PACKAGE_SIZE')
    expect(refusal(() => pack({ limits: { moduleBytes: module.length } }, { module }))).toBe('accepted')
  })
})

describe('checkUpgrade', () => {
  const next = readPackage(crypto, pack())

  test('allows a newer version of the same app', () => {
    expect(refusal(() => checkUpgrade({ appId: next.appId, version: 2 }, next))).toBe('accepted')
  })

  test('refuses a downgrade, the same version, a gap and another app', () => {
    expect(refusal(() => checkUpgrade({ appId: next.appId, version: 4 }, next))).toBe('ERR_PACKAGE_DOWNGRADE')
    expect(refusal(() => checkUpgrade({ appId: next.appId, version: 3 }, next))).toBe('ERR_PACKAGE_DOWNGRADE')
    expect(refusal(() => checkUpgrade({ appId: next.appId, version: 1 }, next))).toBe(
      'ERR_PACKAGE_UPGRADE_GAP'
    )
    const other = appId(crypto, mallory.id, 'notes')
    expect(refusal(() => checkUpgrade({ appId: other, version: 2 }, next))).toBe('ERR_PACKAGE_OTHER_APP')
  })
})

describe('describePackage', () => {
  test('says who signed and what is asked for', () => {
    const description = describePackage(readPackage(crypto, pack()))
    expect(description.author).toMatch(/^bciq/)
    expect(description.permissions.map(({ sentence }) => sentence)).toEqual([
      'May read, change, add and list files of its own',
      'Answers web requests on this machine'
    ])
    expect(description.limits).toEqual(['May use up to 128 MiB of memory (64 MiB is usual)'])
  })
})

test('PackageError keeps its code and name', () => {
  expect(new PackageError('ERR_PACKAGE_HASH', 'text')).toMatchObject({
    name: 'PackageError',
    code: 'ERR_PACKAGE_HASH'
  })
})

function findBytes(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes).indexOf(Buffer.from(part))
}

function assetRow(path: string, size: number): (writer: CanonicalWriter) => void {
  return (writer) => {
    writer.array(4).str(path).uint(size).bin(crypto.sha256(new Uint8Array())).str('text/plain')
  }
}

/** A body that no encoder of ours would write. */
function manifestBody(changes: {
  abi?: readonly [number, number]
  assets?: readonly ((writer: CanonicalWriter) => void)[]
}): Uint8Array {
  const { abi = [0, 1], assets = [] } = changes
  const writer = new CanonicalWriter().array(14)
  writer.bin(alice.id).str('a').uint(1).str('1').uint(0)
  writer.array(2).uint(abi[0]).uint(abi[1])
  writer.array(2).uint(emptyModule.length).bin(crypto.sha256(emptyModule))
  writer.array(assets.length)
  for (const asset of assets) asset(writer)
  writer.array(0).array(0).array(0)
  return writer.array(2).str('A').str('A').str('MIT').nil().finish()
}

function signed(body: Uint8Array): Uint8Array {
  return putTogether({ authorRecord: alice.record, manifest: alice.sign(32, body), contents: emptyModule })
}
