import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import { SectorMap, codeOf, crypto, file, flipped, random, seededRandom } from './format-fixture.ts'

const sectorLog2 = 12
const sector = 4096
type Aead = tree.SealContext['aead']

function context(aead: Aead = 1): tree.SealContext {
  return { crypto, random, block: file.block, aead }
}

function write(
  bytes: Uint8Array,
  sectors: SectorMap,
  options: { aead?: Aead; chunk?: number } = {}
): tree.PayloadState {
  const writer = new tree.PayloadWriter(context(options.aead), { sectorLog2, emit: sectors.emit })
  const chunk = options.chunk ?? Math.max(1, bytes.length)
  for (let offset = 0; offset < bytes.length; offset += chunk)
    writer.push(bytes.subarray(offset, offset + chunk))
  return writer.finish()
}

function readerOf(state: tree.PayloadState, sectors: SectorMap): tree.PayloadReader {
  return new tree.PayloadReader(crypto, state, { readSector: sectors.read, isVerified: false })
}

function readAll(state: tree.PayloadState, sectors: SectorMap): Uint8Array {
  return readerOf(state, sectors).read(0, state.size)
}

const content = seededRandom('payload').bytes(sector * 300)

describe('a payload', () => {
  test.each([0, 1, 255, 256, 257, 4095, 4096, 4097, 4096 * 256, 4096 * 256 + 1, 4096 * 300])(
    'of %i bytes reads back as it was written, in every mode',
    (size) => {
      const bytes = content.subarray(0, size)
      for (const aead of [0, 1, 2] as const) {
        const sectors = new SectorMap()
        const state = write(bytes, sectors, { aead })
        expect(readAll(state, sectors)).toEqual(bytes)
        expect(state.payload.levels).toBe(size <= sector ? 0 : size <= sector * 256 ? 1 : 2)
        expect(state.payload.stored).toBe(tree.storedBytesOf(aead, sectorLog2, size))
        expect(state.payload.stored).toBe(sectors.bytes)
      }
    }
  )

  test('has the same shape whatever the chunks that are pushed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9000 }), fc.nat(40_000), (chunk, size) => {
        const sectors = new SectorMap()
        const state = write(content.subarray(0, size), sectors, { chunk })
        expect(readAll(state, sectors)).toEqual(content.subarray(0, size))
        expect(state.payload.stored).toBe(tree.storedBytesOf(1, sectorLog2, size))
      }),
      { numRuns: 40 }
    )
  })

  test('reads any range, and less at the end', () => {
    const sectors = new SectorMap()
    const state = write(content, sectors)
    const reader = readerOf(state, sectors)
    fc.assert(
      fc.property(fc.nat(content.length + 10), fc.nat(20_000), (offset, length) => {
        expect(reader.read(offset, length)).toEqual(content.subarray(offset, offset + length))
      }),
      { numRuns: 60 }
    )
    expect(codeOf(() => reader.read(-1, 1))).toBe('ERR_PAYLOAD_RANGE')
    expect(codeOf(() => reader.read(0, 0.5))).toBe('ERR_PAYLOAD_RANGE')
  })

  test('lists its sectors with what opens them', () => {
    const sectors = new SectorMap()
    const state = write(content.subarray(0, 10_000), sectors)
    const leaves = [...readerOf(state, sectors).leaves(5000, 10_000)]
    expect(leaves.map(({ index, offset, length }) => [index, offset, length])).toEqual([
      [1, 4096, 4096],
      [2, 8192, 1808]
    ])
    for (const leaf of leaves) {
      const bytes = sectors.read(leaf.hash) ?? new Uint8Array(0)
      const plain = tree.openSector(crypto, 1, leaf.key, bytes)
      expect(plain.subarray(0, leaf.length)).toEqual(content.subarray(leaf.offset, leaf.offset + leaf.length))
    }
  })

  test('keeps only a bounded number of opened nodes and still reads right', () => {
    const sectors = new SectorMap()
    const state = write(content, sectors)
    const reader = new tree.PayloadReader(crypto, state, {
      readSector: sectors.read,
      isVerified: true,
      nodeCount: 1
    })
    for (const offset of [0, sector * 299, 5, sector * 257]) {
      expect(reader.read(offset, 9)).toEqual(content.subarray(offset, offset + 9))
    }
  })

  test('a view has the bytes of a read, within a sector, across sectors and at the end', () => {
    const sectors = new SectorMap()
    const state = write(content, sectors)
    const reader = new tree.PayloadReader(crypto, state, {
      readSector: sectors.read,
      isVerified: true,
      leafCount: 2
    })
    const end = content.length
    for (const offset of [0, 5, sector - 3, sector, sector * 257 + 1, end - 4, end, end + 9, 7]) {
      for (const length of [0, 3, 9, sector, sector * 2 + 1]) {
        expect(reader.view(offset, length)).toEqual(reader.read(offset, length))
      }
    }
    expect(() => reader.view(-1, 1)).toThrow(expect.objectContaining({ code: 'ERR_PAYLOAD_RANGE' }))
  })

  test('views stay what they are when the store reads every sector to the same memory', () => {
    for (const aead of [0, 1, 2] as const) {
      const sectors = new SectorMap()
      const bytes = content.subarray(0, sector * 20)
      const state = write(bytes, sectors, { aead })
      const toOnePlace: tree.ReadSector = (reference, into) => {
        const sealed = sectors.read(reference)
        if (sealed === undefined || into === undefined) return sealed
        into.set(sealed)
        return into.subarray(0, sealed.length)
      }
      const readers = [1, 4].map(
        (leafCount) =>
          new tree.PayloadReader(crypto, state, { readSector: toOnePlace, isVerified: false, leafCount })
      )
      const views = [0, 1, 2, 7, 1, 0].flatMap((index) =>
        readers.map((reader) => ({ index, view: reader.view(index * sector, sector) }))
      )
      for (const { index, view } of views) {
        expect(view).toEqual(bytes.subarray(index * sector, (index + 1) * sector))
      }
    }
  })

  test('opens no sector again that it keeps, and any other anew', () => {
    const sectors = new SectorMap()
    const state = write(content, sectors)
    let count = 0
    const readSector: tree.ReadSector = (reference) => {
      count++
      return sectors.read(reference)
    }
    const reader = new tree.PayloadReader(crypto, state, { readSector, isVerified: true, leafCount: 2 })
    const opensAt = (offset: number): number => {
      const before = count
      expect(reader.read(offset, 9)).toEqual(content.subarray(offset, offset + 9))
      return count - before
    }
    opensAt(0)
    expect([sector, 0, sector, 0].map(opensAt)).toEqual([1, 0, 0, 0])
    expect([sector * 2, 0, sector].map(opensAt)).toEqual([1, 0, 1])
  })

  test('stores holes nowhere and reads them as zeros', () => {
    const sectors = new SectorMap()
    const writer = new tree.PayloadWriter(context(), { sectorLog2, emit: sectors.emit })
    writer.push(content.subarray(0, 10))
    writer.pushHole(sector * 600 - 10)
    writer.push(content.subarray(0, 5))
    const state = writer.finish()
    const expected = new Uint8Array(state.size)
    expected.set(content.subarray(0, 10))
    expected.set(content.subarray(0, 5), sector * 600)
    expect(readAll(state, sectors)).toEqual(expected)
    expect(sectors.sectors.size).toBe(5) // two sectors, nodes 0 and 2 of level 1, the root
    expect(state.payload.stored).toBe(sectors.bytes)
  })

  test('cannot be written to after it was finished', () => {
    const writer = new tree.PayloadWriter(context(), { sectorLog2, emit: () => undefined })
    writer.finish()
    expect(codeOf(() => writer.push(content))).toBe('ERR_PAYLOAD_CLOSED')
    expect(codeOf(() => writer.finish())).toBe('ERR_PAYLOAD_CLOSED')
  })

  test('has sectors of 4 KiB to 1 MiB', () => {
    for (const log2 of [11, 21, 12.5]) {
      expect(
        codeOf(() => new tree.PayloadWriter(context(), { sectorLog2: log2, emit: () => undefined }))
      ).toBe('ERR_PAYLOAD_RANGE')
    }
  })
})

describe('work in units', () => {
  test('sectors sealed apart and nodes of 256 make the same payload as one writer', () => {
    const sectors = new SectorMap()
    const assembly = new tree.PayloadAssembly(context(), { sectorLog2, emit: sectors.emit })
    for (let unit = 0; unit * 256 < 300; unit++) {
      const bytes = content.subarray(unit * 256 * sector, (unit + 1) * 256 * sector)
      const leaves = tree.sealLeaves(context(), { sectorLog2, firstIndex: unit * 256 }, bytes)
      const node = tree.sealNode(context(), 1, unit, leaves)
      for (const part of [...leaves, node]) sectors.emit({ reference: part.hash, bytes: part.bytes })
      assembly.appendReference(
        1,
        node,
        [...leaves, node].reduce((sum, part) => sum + part.bytes.length, 0)
      )
    }
    const state = assembly.finish(content.length)
    expect(readAll(state, sectors)).toEqual(content)
    expect(state.payload.stored).toBe(tree.storedBytesOf(1, sectorLog2, content.length))
  })

  test('sealed sectors may go one after another into a buffer of the caller', () => {
    for (const aead of [0, 1, 2] as const) {
      const target = new Uint8Array(
        tree.storedBytesOf(aead, sectorLog2, 5000) - tree.nodeStoredBytes(aead, 2)
      )
      const run = { sectorLog2, firstIndex: 0, target }
      const leaves = tree.sealLeaves(context(aead), run, content.subarray(0, 5000))
      expect(new Uint8Array(Buffer.concat(leaves.map(({ bytes }) => bytes)))).toEqual(target)
      const [, second] = leaves
      if (second === undefined) throw new Error('there are two sectors')
      expect(tree.openSector(crypto, aead, second.key, second.bytes).subarray(0, 904)).toEqual(
        content.subarray(4096, 5000)
      )
    }
  })

  test('refuses a size that the sectors do not make', () => {
    const assembly = new tree.PayloadAssembly(context(), { sectorLog2, emit: () => undefined })
    for (const leaf of tree.sealLeaves(context(), { sectorLog2, firstIndex: 0 }, content.subarray(0, 9000))) {
      assembly.append(0, leaf)
    }
    expect(codeOf(() => assembly.finish(100))).toBe('ERR_PAYLOAD_SHAPE')
  })
})

describe('updatePayload', () => {
  function update(
    state: tree.PayloadState,
    sectors: SectorMap,
    change: tree.PayloadChange,
    added = sectors
  ): tree.PayloadState {
    const emit = (stored: tree.StoredSector): void => {
      sectors.emit(stored)
      if (added !== sectors) added.emit(stored)
    }
    return tree.updatePayload(
      { context: { crypto, random, block: file.block }, readSector: sectors.read, isVerified: false, emit },
      state,
      change
    )
  }

  test('does what the same change does to plain bytes, with exact stored sizes', () => {
    const change = fc.record({
      writes: fc.array(
        fc.record({ offset: fc.nat(50_000), length: fc.nat(9000), fill: fc.integer({ min: 1, max: 255 }) }),
        {
          maxLength: 3
        }
      ),
      size: fc.option(fc.nat(70_000), { nil: undefined })
    })
    fc.assert(
      fc.property(
        fc.nat(30_000),
        fc.array(change, { maxLength: 4 }),
        fc.constantFrom<Aead>(0, 1),
        (start, changes, aead) => {
          const sectors = new SectorMap()
          let state = write(content.subarray(0, start), sectors, { aead })
          let plain = content.slice(0, start)
          for (const { writes, size } of changes) {
            const put = writes.map(({ offset, length, fill }) => ({
              offset,
              bytes: new Uint8Array(length).fill(fill)
            }))
            const end = Math.max(
              0,
              ...put.map(({ offset, bytes }) => (bytes.length > 0 ? offset + bytes.length : 0))
            )
            const newSize = size === undefined ? Math.max(plain.length, end) : Math.max(size, end)
            const next = new Uint8Array(newSize)
            next.set(plain.subarray(0, newSize))
            for (const { offset, bytes } of put) if (bytes.length > 0) next.set(bytes, offset)
            state = update(state, sectors, { writes: put, size: newSize })
            plain = next
            expect(readAll(state, sectors)).toEqual(plain)
            let stored = 0
            for (const part of tree.listReferences(state.payload, sectors.read)) {
              stored += sectors.read(part.hash)?.length ?? 0
            }
            expect(state.payload.stored).toBe(stored)
          }
        }
      ),
      { numRuns: process.env['SLOW'] === undefined ? 60 : 2000 }
    )
  })

  test('seals one sector and one path for a small write', () => {
    const sectors = new SectorMap()
    const state = write(content, sectors)
    const added = new SectorMap()
    const next = update(
      state,
      sectors,
      { writes: [{ offset: sector * 280 + 7, bytes: content.subarray(0, 100) }] },
      added
    )
    expect(added.sectors.size).toBe(3)
    const expected = content.slice()
    expected.set(content.subarray(0, 100), sector * 280 + 7)
    expect(readAll(next, sectors)).toEqual(expected)
    expect(next.payload.stored).toBe(state.payload.stored)
    expect(readAll(state, sectors)).toEqual(content)
  })

  test('grows levels by an append and drops them by a truncation', () => {
    const sectors = new SectorMap()
    let state = write(content.subarray(0, 100), sectors)
    state = update(state, sectors, { writes: [{ offset: 100, bytes: content.subarray(100) }] })
    expect(state.payload.levels).toBe(2)
    expect(readAll(state, sectors)).toEqual(content)
    state = update(state, sectors, { size: 100 })
    expect(state.payload.levels).toBe(0)
    expect(readAll(state, sectors)).toEqual(content.subarray(0, 100))
    expect(state.payload.stored).toBe(256 + 16)
    state = update(state, sectors, { size: 0 })
    expect(state.payload).toMatchObject({ stored: 0, levels: 0, rootHash: new Uint8Array(32) })
  })

  test('brings back no old bytes when a payload is cut and extended again', () => {
    const sectors = new SectorMap()
    let state = write(content.subarray(0, 3000), sectors)
    state = update(state, sectors, { size: 10 })
    state = update(state, sectors, { size: 3000 })
    const expected = new Uint8Array(3000)
    expected.set(content.subarray(0, 10))
    expect(readAll(state, sectors)).toEqual(expected)
  })

  test('extends to a petabyte with holes at once, and writes at its end', () => {
    const sectors = new SectorMap()
    let state = write(content.subarray(0, 10), sectors)
    state = update(state, sectors, { size: 2 ** 50 })
    state = update(state, sectors, { writes: [{ offset: 2 ** 50, bytes: Uint8Array.of(7) }] })
    const reader = readerOf(state, sectors)
    expect(state.size).toBe(2 ** 50 + 1)
    expect(reader.read(2 ** 50 - 1, 5)).toEqual(Uint8Array.of(0, 7))
    expect(reader.read(0, 11)).toEqual(Uint8Array.of(...content.subarray(0, 10), 0))
    expect(sectors.sectors.size).toBeLessThan(30)
  })

  test('refuses a write beyond the size that is asked for', () => {
    const sectors = new SectorMap()
    const state = write(content.subarray(0, 10), sectors)
    const writes = [{ offset: 5, bytes: content.subarray(0, 6) }]
    expect(codeOf(() => update(state, sectors, { writes, size: 10 }))).toBe('ERR_PAYLOAD_RANGE')
    expect(codeOf(() => update(state, sectors, { writes, size: 11 }))).toBe('nothing was thrown')
    expect(codeOf(() => update(state, sectors, { size: -1 }))).toBe('ERR_PAYLOAD_RANGE')
  })
})

describe('a payload under attack', () => {
  const sectors = new SectorMap()
  const state = write(content.subarray(0, 9000), sectors)

  test('A29, D7: a host without keys lists exactly the stored parts', () => {
    const parts = [...tree.listReferences(state.payload, sectors.read)]
    expect(new Set(parts.map(({ hash }) => hash.toHex()))).toEqual(new Set(sectors.sectors.keys()))
    expect(parts.map(({ level }) => level)).toEqual([1, 0, 0, 0])
  })

  test('A29: a listing ends although hostile nodes name each other 256 times', () => {
    const map = new SectorMap()
    let part = tree.sealSector(context(), 0, content.subarray(0, sector))
    map.emit({ reference: part.hash, bytes: part.bytes })
    for (let level = 1; level <= 5; level++) {
      part = tree.sealNode(context(), level, 0, new Array<tree.Reference>(256).fill(part))
      map.emit({ reference: part.hash, bytes: part.bytes })
    }
    const size = sector * 256 ** 5
    const bomb = tree.payloadState(1, sectorLog2, size, { ...part, stored: 2 ** 50 })
    expect([...tree.listReferences(bomb.payload, map.read)].length).toBe(5 + 256)
    const cut = tree.updatePayload(
      {
        context: { crypto, random, block: file.block },
        readSector: map.read,
        isVerified: false,
        emit: map.emit
      },
      bomb,
      { size: 10 }
    )
    expect(readerOf(cut, map).read(0, 10)).toEqual(content.subarray(0, 10))
  })

  test.each([0, 1, Number.MAX_SAFE_INTEGER])(
    'a payload that claims %i stored bytes can be updated, and the claim stays encodable',
    (stored) => {
      const sectors = new SectorMap()
      const state = write(content.subarray(0, 3 * sector), sectors)
      const claimed = { ...state, payload: { ...state.payload, stored } }
      const after = tree.updatePayload(
        {
          context: { crypto, random, block: file.block },
          readSector: sectors.read,
          isVerified: false,
          emit: sectors.emit
        },
        claimed,
        { writes: [{ offset: 5, bytes: Uint8Array.of(1) }] }
      )
      expect(after.payload.stored).toBeGreaterThan(sector)
      expect(Number.isSafeInteger(after.payload.stored)).toBe(true)
      expect(readAll(after, sectors)).toEqual(content.subarray(0, 3 * sector).with(5, 1))
    }
  )

  test('A29: a listing goes on around garbage that a writer names as a node', () => {
    const map = new SectorMap()
    const garbage = crypto.random.bytes(500)
    map.emit({ reference: crypto.sha256(garbage), bytes: garbage })
    const leaf = tree.sealSector(context(), 0, content.subarray(0, sector))
    const inner = tree.sealNode(context(), 1, 1, [leaf, leaf])
    const bad = { hash: crypto.sha256(garbage), key: leaf.key }
    const root = tree.sealNode(context(), 2, 0, [bad, inner])
    for (const { hash, bytes } of [leaf, inner, root]) map.emit({ reference: hash, bytes })
    const { payload } = tree.payloadState(1, sectorLog2, sector * 258, { ...root, stored: 2 ** 30 })
    expect(codeOf(() => [...tree.listReferences(payload, map.read)])).toBe('ERR_PAYLOAD_SHAPE')
    const passed: tree.PayloadPart[] = []
    const parts = [...tree.listReferences(payload, map.read, { onMissing: (part) => passed.push(part) })]
    expect(passed.map(({ hash }) => hash.toHex())).toEqual([bad.hash.toHex()])
    expect(new Set(parts.map(({ hash }) => hash.toHex()))).toEqual(new Set(map.sectors.keys()))
  })

  test('A29: a listing names a missing node, or goes on around it', () => {
    const nothing = (): undefined => undefined
    expect(codeOf(() => [...tree.listReferences(state.payload, nothing)])).toBe('ERR_SECTOR_MISSING')
    const missing: number[] = []
    const parts = [
      ...tree.listReferences(state.payload, nothing, { onMissing: ({ level }) => missing.push(level) })
    ]
    expect([parts.length, missing]).toEqual([1, [1]])
  })

  test('A30: sealing never repeats a key, and a repeated generator does so only for the same content', () => {
    const seal = (plain: Uint8Array, index = 0): Uint8Array =>
      tree.sealSector({ ...context(), random: seededRandom('again') }, index, plain).key
    const one = content.subarray(0, 256)
    expect(seal(one)).toEqual(seal(one.slice()))
    expect(seal(one)).not.toEqual(seal(content.subarray(256, 512)))
    expect(seal(one)).not.toEqual(seal(one, 1))
    expect(tree.sealSector(context(), 0, one).key).not.toEqual(tree.sealSector(context(), 0, one).key)
  })

  test('refuses any flipped bit of a sector or node, by its hash and also without', () => {
    for (const [name, bytes] of sectors.sectors) {
      for (let bit = 0; bit < bytes.length * 8; bit += 4099) {
        const readSector = (hash: tree.Id): Uint8Array | undefined =>
          hash.toHex() === name ? flipped(bytes, bit) : sectors.read(hash)
        const check = new tree.PayloadReader(crypto, state, { readSector, isVerified: false })
        expect(codeOf(() => check.read(0, 9000))).toBe('ERR_SECTOR_HASH')
        const trusting = new tree.PayloadReader(crypto, state, { readSector, isVerified: true })
        expect(codeOf(() => trusting.read(0, 9000))).toMatch(/^ERR_(SECTOR_SEALED|PAYLOAD_SHAPE)$/)
      }
    }
  })

  test('names a sector that is missing', () => {
    const check = new tree.PayloadReader(crypto, state, { readSector: () => undefined, isVerified: true })
    expect(codeOf(() => check.read(0, 1))).toBe('ERR_SECTOR_MISSING')
  })

  test('A33: refuses a node with a child too few or too many, and a wrong level', () => {
    const leaves = tree.sealLeaves(context(), { sectorLog2, firstIndex: 0 }, content.subarray(0, 3 * sector))
    for (const [level, count] of [
      [1, 2],
      [1, 3],
      [2, 3]
    ] as const) {
      const map = new SectorMap()
      const node = tree.sealNode(context(), level, 0, leaves.slice(0, count))
      for (const part of [...leaves, node]) map.emit({ reference: part.hash, bytes: part.bytes })
      const forged = tree.payloadState(1, sectorLog2, 3 * sector, { ...node, stored: 1 })
      const code = codeOf(() => readAll(forged, map))
      expect(code).toBe(level === 1 && count === 3 ? 'nothing was thrown' : 'ERR_PAYLOAD_SHAPE')
    }
  })

  test('A33: refuses a leaf in place of a node, a node in place of a leaf, and a leaf of another length', () => {
    const leaf = tree.sealSector(context(), 0, content.subarray(0, 256))
    const node = tree.sealNode(context(), 1, 0, [leaf])
    const map = new SectorMap()
    for (const part of [leaf, node]) map.emit({ reference: part.hash, bytes: part.bytes })
    const asNode = tree.payloadState(1, sectorLog2, sector * 2, { ...leaf, stored: 1 })
    expect(codeOf(() => readAll(asNode, map))).toBe('ERR_PAYLOAD_SHAPE')
    const asLeaf = tree.payloadState(1, sectorLog2, 256, { ...node, stored: 1 })
    expect(codeOf(() => readAll(asLeaf, map))).toBe('ERR_PAYLOAD_SHAPE')
    const longer = tree.payloadState(1, sectorLog2, 257, { ...leaf, stored: 1 })
    expect(codeOf(() => readAll(longer, map))).toBe('ERR_PAYLOAD_SHAPE')
    const right = tree.payloadState(1, sectorLog2, 256, { ...leaf, stored: 1 })
    expect(readAll(right, map)).toEqual(content.subarray(0, 256))
  })

  test('A33: refuses levels that do not follow from the size', () => {
    const tall = { ...state, payload: { ...state.payload, levels: 2 } }
    expect(codeOf(() => readerOf(tall, sectors))).toBe('ERR_PAYLOAD_SHAPE')
  })

  test('refuses a node that is malformed, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(codeOf(() => tree.listNode(1, 1, bytes))).toBe('ERR_PAYLOAD_SHAPE')
      }),
      { numRuns: 200 }
    )
  })

  test('A34: a small payload is an ordinary sector that may travel beside its header', () => {
    const map = new SectorMap()
    expect(tree.mayBeInline(write(content.subarray(0, 4096), map).payload)).toBe(true)
    expect(tree.mayBeInline(write(content.subarray(0, 4096), map, { aead: 0 }).payload)).toBe(true)
    expect(tree.mayBeInline(write(content.subarray(0, 4097), map).payload)).toBe(false)
    expect(tree.mayBeInline(write(content.subarray(0, 0), map).payload)).toBe(false)
    const one = write(content.subarray(0, 300), map)
    const two = write(content.subarray(0, 300), map)
    expect(one.rootKey).not.toEqual(two.rootKey)
  })

  test('A35: sizes show in steps of 256 bytes only', () => {
    const sizes = [1, 100, 256, 257, 512].map(
      (size) => write(content.subarray(0, size), new SectorMap()).payload.stored
    )
    expect(sizes).toEqual([272, 272, 272, 528, 528])
  })

  test('A36: references may be copied to another block', () => {
    const copied = { ...state, payload: { ...state.payload } }
    expect(readAll(copied, sectors)).toEqual(content.subarray(0, 9000))
  })
})
