/** Vectors of doc/spec/15-bundles.md: streams that are taken in, with what is kept of them, and streams that are refused. */
import { CanonicalWriter, concatBytes } from '@blocktree/codec'
import { createFiles, createSharing } from '@blocktree/files'
import * as tree from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Content, History, rowOf } from '../vector-history.ts'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { crypto, filled } from '../vector-tree.ts'
import { type Value, editBytes, encodeValue } from '../vector-value.ts'

export async function generateVectors(): Promise<VectorPage> {
  const told = new Told()
  return {
    name: 'bundles',
    specification: 'doc/spec/15-bundles.md',
    comment:
      'A node of the tree `tree` that holds the records `holds` takes `bundle` in. accept: `outcomes` of its records in ' +
      'their order (a record that waits counts as parked, also when it is taken later), hashes of the `sectors` that are ' +
      'kept (without those beside headers that are no use), and the `summary` of section 4 afterwards. refuse: the code.',
    groups: { accept: await told.accepted(), refuse: told.refused() }
  }
}

type Frame = Value

/** A public tree with files, and the frames of its parts. */
class Told {
  readonly h = new History('bundle')
  readonly file = this.h.place('file', this.h.root)
  readonly small = this.h.place('small', this.h.root)
  readonly content = this.h.content(
    this.file,
    Uint8Array.from({ length: 9000 }, (_unused, at) => at % 251)
  )
  readonly little = this.h.content(this.small, filled(300, 7))
  readonly rootHeader = this.h.version(this.h.root, this.h.rootBlock, [], { name: '' })
  readonly header = this.h.version(this.h.root, this.file, [], { name: 'big', content: this.content })
  readonly smallHeader = this.h.version(this.h.root, this.small, [], { name: 'small', content: this.little })
  readonly checkpoint = this.h.checkpoint(this.h.root, this.h.rootBlock, [
    rowOf([this.rootHeader, 1]),
    rowOf([this.header, 1]),
    rowOf([this.smallHeader, 1])
  ])
  readonly start: Frame = [0, 'blocktree-bundle', 1, this.h.tree.id]
  readonly begin: readonly Frame[] = [
    this.start,
    record(this.h.root.principal.record),
    record(this.h.tree),
    [1, this.h.rootBlock.birthBytes]
  ]
  readonly inline: Uint8Array = this.little.parts[0] ?? new Uint8Array(0)

  accepted(): Promise<VectorCase[]> {
    const { begin, header, smallHeader, rootHeader, content, checkpoint, inline, h } = this
    const known = ['known', 'known']
    const big = sectors(content).toReversed() // a node before what it names
    const changed = (big.at(-1) as readonly [number, Uint8Array, Uint8Array])[2].with(0, 9)
    const foreign = editBytes(h.rootBlock.birthBytes, [0], filled(32, 1))
    const headers = [record(rootHeader), record(header), ...big, record(smallHeader, inline)]
    return Promise.all([
      this.#accept('nothing but start and end', [this.start], [], []),
      this.#accept(
        'a whole tree: authority, a checkpoint with its manifest, headers with their sectors',
        [...begin, record(checkpoint.record), ...checkpoint.parts.map(sector), ...headers],
        Array<string>(6).fill('accepted'),
        [...content.parts, ...checkpoint.parts, inline],
        []
      ),
      this.#accept(
        'sectors that nothing refers to, that are not what they are called, or that come before their node',
        [
          ...begin,
          record(header),
          sector(filled(300, 1)),
          big[1] ?? null,
          big[0] ?? null,
          [3, hashOf(content.parts[0]), changed]
        ],
        [...known, 'accepted'],
        content.parts.slice(-1)
      ),
      this.#accept(
        'a sector beside its header that is not the one, and the right one behind it',
        [...begin, record(smallHeader, filled(512, 1)), sector(inline)],
        [...known, 'accepted'],
        [inline]
      ),
      this.#accept(
        'births of another tree and of no zone are dropped',
        [...begin, [1, foreign], [1, this.file.birthBytes], [1, filled(3, 1)], record(rootHeader)],
        [...known, 'accepted'],
        []
      ),
      this.#accept(
        'records out of order, twice, damaged, no records',
        [
          ...begin.slice(0, 3),
          record(header),
          [1, h.rootBlock.birthBytes],
          record(h.tree),
          [2, filled(9, 9), null]
        ],
        [...known, 'parked', 'known', 'refused'],
        []
      ),
      this.#accept('records that the node holds already', begin, known, [])
    ])
  }

  async #accept(
    comment: string,
    frames: readonly Frame[],
    outcomes: readonly string[],
    kept: readonly Uint8Array[],
    holds: readonly { readonly bytes: Uint8Array }[] = [this.h.root.principal.record, this.h.tree]
  ): Promise<VectorCase> {
    const store = createMemoryStore()
    const clock = { now: () => 0 }
    const state = await tree.createTreeState({ store, crypto, clock, tree: this.h.tree.id })
    await state.offer({ records: holds }, { peer: 'before', from: 'host' })
    const deps = { tree: state, store, crypto, random: this.h.random, clock, nameSecret: filled(32, 0) }
    const sharing = createSharing(createFiles(deps).context)
    const bundle = stream(frames)
    const report = await sharing.importBundle(pieces(bundle))
    for (const outcome of ['accepted', 'known', 'parked'] as const) {
      const expected = outcomes.filter((one) => one === outcome).length
      if (report[outcome] !== expected)
        throw new Error(`${comment}: ${report[outcome]} ${outcome}, not ${expected}`)
    }
    const { digest } = await sharing.rootSummary()
    return {
      comment,
      tree: hex(this.h.tree.id),
      holds: holds.map(({ bytes }) => hex(bytes)),
      bundle: hex(bundle),
      outcomes,
      sectors: kept.map((bytes) => hex(hashOf(bytes))).toSorted(),
      summary: hex(digest)
    }
  }

  refused(): VectorCase[] {
    const { begin, start, h } = this
    const good = stream(begin)
    const other = tree.createTree(crypto, h.root.principal, {
      recovery: undefined,
      insecure: true,
      nonce: filled(16, 2)
    })
    const refuse = (comment: string, bundle: Uint8Array, error = 'ERR_BUNDLE_FORMAT'): VectorCase => ({
      comment,
      tree: hex(h.tree.id),
      holds: [h.root.principal.record, h.tree].map(({ bytes }) => hex(bytes)),
      bundle: hex(bundle),
      error
    })
    const behind = (comment: string, frame: Frame): VectorCase => refuse(comment, stream([...begin, frame]))
    const end = (records: number, sectorCount: number, digest: Uint8Array): Uint8Array =>
      concatBytes(
        ...begin.map((frame) => delimited(encodeValue(frame))),
        delimited(encodeValue([4, records, sectorCount, digest]))
      )
    return [
      refuse('no bytes', new Uint8Array(0)),
      refuse('no end', good.subarray(0, good.length - endBytes)),
      refuse('cut within a frame', good.subarray(0, good.length - 1)),
      refuse('cut within a length', good.subarray(0, good.length - endBytes + 2)),
      refuse('a byte behind the end', concatBytes(good, Uint8Array.of(0))),
      refuse(
        'a frame behind the end',
        concatBytes(good, delimited(encodeValue([1, h.rootBlock.birthBytes])))
      ),
      refuse('no start', stream(begin.slice(1))),
      behind('a second start', start),
      refuse('another magic', stream([[0, 'blocktree-bundles', 1, h.tree.id]])),
      refuse('format 2', stream([[0, 'blocktree-bundle', 2, h.tree.id]])),
      refuse('a start of three fields', stream([[0, 'blocktree-bundle', 1]])),
      refuse('a tree of 31 bytes', stream([[0, 'blocktree-bundle', 1, filled(31, 1)]])),
      refuse('more records than there are', end(3, 0, digestOf(begin))),
      refuse('fewer records than there are', end(1, 0, digestOf(begin))),
      refuse('more sectors than there are', end(2, 1, digestOf(begin))),
      refuse('another digest', end(2, 0, filled(32, 1))),
      refuse('a frame of no bytes', concatBytes(good.subarray(0, good.length - endBytes), new Uint8Array(4))),
      refuse('a frame that says it is too long', Uint8Array.of(0, 0x10, 1, 0x41)),
      refuse(
        'a length that is not in its shortest form',
        concatBytes(delimited(Uint8Array.of(0xdc, 0, 4, 0)), good)
      ),
      behind('a frame of no kind', [5, filled(32, 1)]),
      behind('a frame that is no array', 'end'),
      behind('an empty array', []),
      behind('no birth in its frame', [1, new Uint8Array(0)]),
      behind('a birth of 257 bytes', [1, filled(257, 1)]),
      behind('a birth as text', [1, 'birth']),
      behind('a birth with a field more', [1, h.rootBlock.birthBytes, null]),
      behind('no record in its frame', [2, new Uint8Array(0), null]),
      behind('a record without a place for its sector', [2, h.tree.bytes]),
      behind('a sector of no bytes beside a record', [2, h.tree.bytes, new Uint8Array(0)]),
      behind('a sector of 4,113 bytes beside a record', [2, h.tree.bytes, filled(4113, 1)]),
      behind('a reference of 31 bytes', [3, filled(31, 1), filled(9, 1)]),
      behind('a sector of no bytes', [3, filled(32, 1), new Uint8Array(0)]),
      refuse('another tree', stream([[0, 'blocktree-bundle', 1, other.id]]), 'ERR_PATH_OTHER_TREE')
    ]
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

const endBytes = 4 + encodeValue([4, 2, 0, filled(32, 0)]).length

function record({ bytes }: { readonly bytes: Uint8Array }, inline: Uint8Array | null = null): Frame {
  return [2, bytes, inline]
}

function hashOf(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error('no such part')
  return crypto.sha256(bytes)
}

function sector(bytes: Uint8Array): Frame {
  return [3, hashOf(bytes), bytes]
}

function sectors({ parts }: Content): Frame[] {
  return parts.map(sector)
}

function delimited(body: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length)
  return concatBytes(length, body)
}

function digestOf(frames: readonly Frame[]): Uint8Array {
  return frames.reduce<Uint8Array>(
    (digest, frame) => crypto.sha256Parts([digest, encodeValue(frame)]),
    new Uint8Array(32)
  )
}

/** The frames, and an end that fits. */
function stream(frames: readonly Frame[]): Uint8Array {
  const count = (kind: number): number =>
    frames.filter((frame) => Array.isArray(frame) && frame[0] === kind).length
  const end = new CanonicalWriter(96)
    .array(4)
    .uint(4)
    .uint(count(2))
    .uint(count(3))
    .bin(digestOf(frames))
    .finish()
  return concatBytes(...frames.map((frame) => delimited(encodeValue(frame))), delimited(end))
}
