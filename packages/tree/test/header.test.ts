import { aead } from '@blocktree/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import {
  child,
  codeOf,
  crypto,
  emptyPrivate,
  epoch,
  file,
  fileKey,
  flipped,
  header,
  random,
  root,
  rootBlock,
  seededRandom,
  treeId
} from './format-fixture.ts'

const id = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const deps = { crypto, random }
const payload = { aead: aead.aes256Gcm, sectorLog2: 12, levels: 1, stored: 9000, rootHash: id(5) }
const full = {
  name: 'été.txt',
  metadata: {
    modifiedMs: 1_700_000_000_000,
    mode: 0o644,
    mediaType: 'text/plain',
    attributes: [
      ['z', id(1)],
      ['a', id(2)]
    ] as const
  },
  size: 4097,
  rootKey: id(9)
}

function make(
  draft: Partial<tree.HeaderDraft>,
  priv: Omit<tree.HeaderPrivate, 'ext'> & { ext?: tree.Extensions } = emptyPrivate,
  key: tree.BlockKey | undefined = fileKey
): tree.HeaderRecord {
  return tree.createHeader(deps, root, { ...header().body, ...draft }, priv, key)
}

describe('openHeader', () => {
  test('returns what was sealed, attributes in order of their names', () => {
    const record = make({ payload }, full)
    const opened = tree.openHeader(crypto, record.body, fileKey)
    expect(opened).toEqual({
      ...full,
      metadata: { ...full.metadata, attributes: full.metadata.attributes.toReversed() },
      ext: []
    })
  })

  test('opens what was decoded from the bytes', () => {
    const record = tree.decodeRecord(crypto, make({ payload }, full).bytes)
    expect(record.type).toBe(tree.recordType.header)
    if (record.type === tree.recordType.header) {
      expect(tree.openHeader(crypto, record.body, fileKey).name).toBe(full.name)
    }
  })

  test('opens any name, size and metadata that was sealed', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(
        text,
        fc.option(fc.nat(), { nil: undefined }),
        fc.uint8Array({ maxLength: 90 }),
        (name, ms, value) => {
          const priv = {
            name,
            metadata: { ...tree.noMetadata, modifiedMs: ms, attributes: [['k', value] as const] },
            size: 0,
            rootKey: undefined
          }
          expect(tree.openHeader(crypto, make({}, priv).body, fileKey)).toEqual({ ...priv, ext: [] })
        }
      ),
      { numRuns: 80 }
    )
  })

  test('pads the private part to a multiple of 64 bytes', () => {
    for (let length = 0; length < 130; length++) {
      const { sealed } = make({}, { ...emptyPrivate, name: 'x'.repeat(length) }).body
      expect((sealed.length - 12 - 16) % 64).toBe(0)
    }
  })

  test('refuses a missing key and the key of another block or key version', () => {
    const { body } = header()
    const other = tree.blockKey(crypto, epoch.key, rootBlock.block, 0)
    const later = tree.blockKey(crypto, epoch.key, file.block, 1)
    for (const key of [undefined, other, later]) {
      expect(codeOf(() => tree.openHeader(crypto, body, key))).toBe('ERR_BLOCK_KEY')
    }
  })

  test('refuses a sealed part with one flipped bit', () => {
    const { body } = header()
    for (let bit = 0; bit < body.sealed.length * 8; bit += 37) {
      const damaged = { ...body, sealed: flipped(body.sealed, bit) }
      expect(codeOf(() => tree.openHeader(crypto, damaged, fileKey))).toBe('ERR_HEADER_SEALED')
    }
    expect(codeOf(() => tree.openHeader(crypto, { ...body, sealed: id(0).subarray(5) }, fileKey))).toBe(
      'ERR_HEADER_SEALED'
    )
  })

  test('A32: refuses the sealed part of another version of the block, under the same key', () => {
    const first = header()
    const second = make({ version: 2, prev: [first.id] }, { ...emptyPrivate, name: 'other' })
    const spliced = { ...second.body, sealed: first.body.sealed }
    expect(codeOf(() => tree.openHeader(crypto, spliced, fileKey))).toBe('ERR_HEADER_SEALED')
    expect(tree.openHeader(crypto, second.body, fileKey).name).toBe('other')
  })

  test('A32: refuses the sealed part of another block', () => {
    const spliced = { ...header().body, sealed: header({}, child(rootBlock)).body.sealed }
    expect(codeOf(() => tree.openHeader(crypto, spliced, fileKey))).toBe('ERR_HEADER_SEALED')
  })

  test('A31: refuses a second key under which a crafted sealed part would open', () => {
    const honest = header().body
    const secondKey = tree.blockKeyFromBytes(crypto, id(3))
    const crafted = {
      ...honest,
      sealed: tree.sealHeader(deps, honest.publicBytes, new Uint8Array(64), secondKey)
    }
    expect(codeOf(() => tree.openHeader(crypto, crafted, secondKey))).toBe('ERR_BLOCK_KEY')
  })

  test('A30: a generator that repeats itself does not repeat a nonce over other content', () => {
    const seal = (name: string): Uint8Array =>
      tree.createHeader(
        { crypto, random: seededRandom('same') },
        root,
        header().body,
        { ...emptyPrivate, name },
        fileKey
      ).body.sealed
    expect(seal('a').subarray(0, 12)).not.toEqual(seal('b').subarray(0, 12))
    expect(seal('a')).toEqual(seal('a'))
  })

  test('refuses a private part that is no canonical array, has wrong padding or unsorted attributes', () => {
    const good = header().body
    const plain = crypto.aeadOpen(
      aead.chacha20Poly1305,
      fileKey.bytes,
      good.sealed.subarray(0, 12),
      Uint8Array.from([...new TextEncoder().encode('blocktree/hdr/1\0'), ...good.publicBytes]),
      good.sealed.subarray(12)
    )
    if (plain === undefined) throw new Error('the sealed part must open as the specification says')
    const edits: readonly Uint8Array[] = [
      plain.with(0, 0x95),
      plain.with(62, 1), // a byte of padding
      plain.subarray(0, 63),
      Uint8Array.from([...plain, ...plain])
    ]
    for (const edit of edits) {
      const body = { ...good, sealed: tree.sealHeader(deps, good.publicBytes, edit, fileKey) }
      expect(codeOf(() => tree.openHeader(crypto, body, fileKey))).toBe('ERR_HEADER_PRIVATE')
    }
  })

  test('throws only errors of its own for any plaintext', () => {
    const good = header().body
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (plain) => {
        const body = { ...good, sealed: tree.sealHeader(deps, good.publicBytes, plain, fileKey) }
        expect(codeOf(() => tree.openHeader(crypto, body, fileKey))).toMatch(/^ERR_(HEADER|RECORD)_/)
      }),
      { numRuns: 200 }
    )
  })

  test('reports where a block moved to, and parks an unknown critical extension', () => {
    const moved = make({}, { ...emptyPrivate, ext: [{ code: 1, critical: true, bytes: id(4) }] })
    expect(tree.movedTo(tree.openHeader(crypto, moved.body, fileKey))).toEqual(id(4))
    expect(tree.movedTo(tree.openHeader(crypto, header().body, fileKey))).toBeUndefined()
    const unknown = make({}, { ...emptyPrivate, ext: [{ code: 99, critical: true, bytes: id(4) }] })
    expect(codeOf(() => tree.openHeader(crypto, unknown.body, fileKey))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
  })

  test('A33: refuses a size that does not fit the levels of the payload', () => {
    expect(codeOf(() => make({ payload }, full))).toBe('nothing was thrown')
    for (const size of [0, 4096, 4096 * 256 + 1]) {
      expect(codeOf(() => make({ payload }, { ...full, size }))).toBe('ERR_HEADER_PRIVATE')
    }
    expect(codeOf(() => make({ payload }, { ...full, rootKey: undefined }))).toBe('ERR_HEADER_PRIVATE')
    expect(codeOf(() => make({}, { ...emptyPrivate, size: 1 }))).toBe('ERR_HEADER_PRIVATE')
  })
})

describe('createHeader', () => {
  const metadata = tree.noMetadata

  test.each<[string, Partial<tree.HeaderPrivate>]>([
    ['a name above 4,096 bytes', { name: 'é'.repeat(2049) }],
    ['a mode beyond the permission bits', { metadata: { ...metadata, mode: 0o10000 } }],
    ['a media type above 255 bytes', { metadata: { ...metadata, mediaType: 'x'.repeat(256) } }],
    [
      'an attribute name above 255 bytes',
      { metadata: { ...metadata, attributes: [['x'.repeat(256), id(1)]] } }
    ],
    [
      'an attribute twice',
      {
        metadata: {
          ...metadata,
          attributes: [
            ['x', id(1)],
            ['x', id(2)]
          ]
        }
      }
    ],
    [
      'more than 64 attributes',
      {
        metadata: {
          ...metadata,
          attributes: Array.from({ length: 65 }, (_unused, index) => [`${index}`, id(1)])
        }
      }
    ]
  ])('refuses %s', (_what, change) => {
    expect(codeOf(() => make({}, { ...emptyPrivate, ...change }))).toBe('ERR_HEADER_PRIVATE')
  })

  test('takes the largest name and refuses a private part above 7 KiB', () => {
    const priv = { ...emptyPrivate, name: 'é'.repeat(2048) }
    expect(tree.openHeader(crypto, make({}, priv).body, fileKey).name).toBe(priv.name)
    const large = { ...metadata, attributes: [['x', new Uint8Array(7 * 1024)] as const] }
    expect(codeOf(() => make({}, { ...emptyPrivate, metadata: large }))).toBe('ERR_RECORD_SIZE')
  })

  test('refuses more than 32 extensions', () => {
    const ext = Array.from({ length: 33 }, (_unused, code) => ({ code, critical: false, bytes: id(0) }))
    expect(codeOf(() => make({ ext }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => make({ ext: ext.slice(1) }))).toBe('nothing was thrown')
  })
})

describe('a public header', () => {
  const open = { epoch: undefined, payload: undefined }
  const createPublic = (draft: Partial<tree.HeaderDraft>, priv = emptyPrivate): tree.HeaderRecord =>
    tree.createHeader(deps, root, { ...header().body, ...open, ...draft }, priv, undefined)

  test('has its private part in clear and needs no key', () => {
    expect(tree.openHeader(crypto, createPublic({}).body, undefined).name).toBe('a.txt')
  })

  test('has a payload in clear, with no root key', () => {
    const clear = { ...payload, aead: tree.noAead }
    const priv = { ...full, rootKey: undefined }
    expect(codeOf(() => createPublic({ payload: clear }, priv))).toBe('nothing was thrown')
    expect(codeOf(() => createPublic({ payload }, priv))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => make({ payload: clear }, priv))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => createPublic({ payload: clear }, full))).toBe('ERR_HEADER_PRIVATE')
  })

  test('refuses a key version and a key without an epoch', () => {
    expect(codeOf(() => createPublic({ keyVersion: 1 }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => make(open))).toBe('ERR_RECORD_FIELD')
  })
})

describe('the public part', () => {
  const directory = child(rootBlock, { kind: tree.blockKind.directory })
  const rootDraft = { ...rootBlock, parent: undefined }

  test.each<[string, Partial<tree.HeaderDraft>]>([
    ['version 1 with previous headers', { prev: [id(1)] }],
    ['a later version without previous headers', { version: 2 }],
    ['version 1 with another parent than its birth', { parent: id(1) }],
    ['no parent', { version: 2, prev: [id(1)], parent: undefined }],
    ['a root block with a parent', { ...rootDraft, version: 2, prev: [id(1)], parent: id(2) }],
    ['a deleted root block', { ...rootDraft, version: 2, prev: [id(1)], state: 1 }],
    ['a directory with a payload', { ...directory, parent: rootBlock.block, payload }],
    ['a deleted block with a payload', { version: 2, prev: [id(1)], state: 1, payload }]
  ])('refuses %s', (_what, draft) => {
    expect(codeOf(() => make(draft, full))).toBe('ERR_RECORD_FIELD')
  })

  test('takes the root block without a parent, and a move', () => {
    expect(codeOf(() => make(rootDraft))).toBe('nothing was thrown')
    expect(codeOf(() => make({ version: 2, prev: [id(1)], parent: id(7) }))).toBe('nothing was thrown')
  })

  test('takes 8 previous headers and refuses 9', () => {
    const prev = Array.from({ length: 9 }, (_, index) => id(index))
    const eight = make({ version: 2, prev: prev.slice(1) })
    expect(tree.decodeRecord(crypto, eight.bytes)).toEqual(eight)
    expect(codeOf(() => make({ version: 2, prev }))).toBe('ERR_RECORD_FIELD')
    const nine = tree.encodeHeaderBody({ ...eight.body, prev })
    expect(codeOf(() => tree.decodeHeaderBody(crypto, nine))).toBe('ERR_CODEC_RANGE')
  })

  test('refuses to sign a key version that no reader would take', () => {
    expect(codeOf(() => make({ keyVersion: 0xffff_ffff }))).toBe('nothing was thrown')
    expect(codeOf(() => make({ keyVersion: 2 ** 32 }))).toBe('ERR_RECORD_FIELD')
  })

  test('A17: takes version 2^40 and refuses the one above', () => {
    const last = make({ version: 2 ** 40, prev: [id(1)] })
    expect(tree.decodeRecord(crypto, last.bytes)).toEqual(last)
    expect(codeOf(() => make({ version: 2 ** 40 + 1, prev: [id(1)] }))).toBe('ERR_RECORD_FIELD')
    const above = tree.encodeHeaderBody({ ...last.body, version: 2 ** 40 + 1 })
    expect(codeOf(() => tree.decodeHeaderBody(crypto, above))).toBe('ERR_CODEC_RANGE')
  })

  test('parks an unknown critical extension and keeps one that is not critical', () => {
    const kept = make({ ext: [{ code: 5, critical: false, bytes: id(1) }] })
    expect(tree.decodeRecord(crypto, kept.bytes)).toEqual(kept)
    const parked = make({ ext: [{ code: 5, critical: true, bytes: id(1) }] })
    expect(codeOf(() => tree.decodeRecord(crypto, parked.bytes))).toBe('ERR_RECORD_UNKNOWN_FORMAT')
  })

  test('A1: fixes kind and zone by the block id', () => {
    const asPackage = { ...file.birth, kind: tree.blockKind.package }
    const other = tree.encodeBirth(asPackage)
    expect(tree.blockId(crypto, other)).not.toEqual(file.block)
    expect(tree.decodeHeaderBody(crypto, tree.encodeHeaderBody(header().body)).block).toEqual(file.block)
    expect(header().body.birth.tree).toEqual(treeId)
  })

  test('A35, A57: holds neither name nor exact size nor time', () => {
    const body = make({ payload }, { ...full, name: 'secret-name' }).body
    const text = Buffer.from(body.publicBytes).toString('latin1')
    expect(text).not.toContain('secret')
    expect(Buffer.from(body.sealed).toString('latin1')).not.toContain('secret')
  })
})
