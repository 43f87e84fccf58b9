/**
 * Random histories of a tree: people who create, write, fork, move, delete, checkpoint, revoke, succeed, each from a
 * partial view of what the others did. Honest and hostile steps are mixed; every record is well signed.
 */
import type { Cut, HeaderRecord, AnyRecord, CheckpointRecord, SuccessionRecord } from '../src/records.ts'
import { blockKind, right, scopeType } from '../src/records.ts'
import { homeZone } from '../src/birth.ts'
import { equalBytes } from '@blocktree/codec'
import { type Author, Fixture, type Place, crypto, rowOf } from './tree-fixture.ts'
import { RecordSet } from './record-set.ts'

/** Mulberry32: small, seeded, good enough to choose with. */
export class Chance {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }
  oneOf<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0]
  }
  maybe(probability: number): boolean {
    return this.next() < probability
  }
  shuffled<T>(values: readonly T[]): T[] {
    const result = [...values]
    for (let at = result.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      const swapped = result[at]
      const value = result[other]
      if (swapped !== undefined && value !== undefined) [result[at], result[other]] = [value, swapped]
    }
    return result
  }
}

interface KnownBlock {
  readonly place: Place
  readonly headers: [HeaderRecord, ...HeaderRecord[]]
}

export class RandomHistory {
  readonly fixture: Fixture
  readonly #chance: Chance
  readonly #authors: [Author, ...Author[]]
  readonly #host: Author
  readonly #directories: [Place, ...Place[]]
  readonly #zones: [Place, ...Place[]]
  readonly #blocks: [KnownBlock, ...KnownBlock[]]
  readonly #checkpoints: CheckpointRecord[] = []
  readonly #isHostile: boolean
  #succession: SuccessionRecord | undefined

  constructor(seed: number, steps: number) {
    this.#chance = new Chance(seed)
    this.#isHostile = this.#chance.maybe(0.5)
    const fixture = new Fixture(`history ${seed}`)
    this.fixture = fixture
    const { root, rootPlace } = fixture
    const alice = fixture.cap(root, 'alice', rootPlace)
    const bob = fixture.cap(alice, 'bob', rootPlace)
    const carol = fixture.cap(root, 'carol', rootPlace, { notBefore: 0, notAfter: 1_000_000_000 })
    const shared = fixture.create(root, rootPlace, { zoneRoot: true })
    const dora = fixture.cap(bob, 'dora', shared.place)
    this.#host = fixture.cap(alice, 'host', rootPlace, { rights: right.host })
    const first = fixture.create(alice, rootPlace)
    const block = fixture.cap(alice, 'erin', first.place, { scopeType: scopeType.block, rights: right.write })
    this.#authors = [root, alice, bob, carol, dora, block, root, alice, bob]
    this.#directories = [rootPlace, shared.place]
    this.#zones = [rootPlace, shared.place]
    this.#blocks = [
      { place: first.place, headers: [first.first] },
      { place: shared.place, headers: [shared.first] }
    ]
    for (let step = 0; step < steps; step++) this.#step()
  }

  get places(): readonly Place[] {
    return [this.fixture.rootPlace, ...this.#blocks.map((block) => block.place)]
  }

  #step(): void {
    const roll = this.#chance.below(100)
    if (roll < 30) this.#create()
    else if (roll < 50) this.#write()
    else if (roll < 68) this.#move()
    else if (roll < 80) this.#delete()
    else if (roll < 88) this.#checkpoint()
    else if (roll < 92) this.#receipt()
    else if (!this.#isHostile) this.#move()
    else if (roll < 97) this.#revoke()
    else if (roll < 99) this.#succeed()
    else this.#lyingCheckpoint()
  }

  #author(): Author {
    return this.#chance.oneOf(this.#authors)
  }

  #create(): void {
    const parent = this.#chance.oneOf(this.#directories)
    if (this.#blocks.length > 14) return this.#move()
    const kind = this.#chance.maybe(0.6) ? blockKind.directory : blockKind.file
    const zoneRoot = kind === blockKind.directory && this.#chance.maybe(0.1)
    const made = this.fixture.create(this.#author(), parent, { kind, zoneRoot })
    this.#blocks.push({ place: made.place, headers: [made.first] })
    if (kind === blockKind.directory) this.#directories.push(made.place)
    if (zoneRoot) this.#zones.push(made.place)
  }

  #prevOf(block: KnownBlock): HeaderRecord[] {
    const recent = block.headers.slice(-3)
    const prev = this.#chance.maybe(0.6) ? recent.slice(-1) : this.#chance.shuffled(recent).slice(0, 2)
    return prev.length === 0 ? [block.headers[0]] : prev
  }

  #write(): void {
    const block = this.#chance.oneOf(this.#blocks)
    const claim = this.#chance.maybe(0.2) ? { version: 2 + this.#chance.below(2 ** 30) } : {}
    block.headers.push(
      this.fixture.write(this.#author(), block.place, {
        prev: this.#prevOf(block),
        parent: this.#lastParent(block),
        ...claim
      })
    )
  }

  #lastParent(block: KnownBlock): HeaderRecord['body']['parent'] {
    return block.headers.at(-1)?.body.parent
  }

  #move(): void {
    const block = this.#chance.oneOf(this.#blocks)
    const anywhere = this.#chance.oneOf(this.#blocks).place.block
    const parent = this.#chance.maybe(0.1) ? anywhere : this.#chance.oneOf(this.#directories).block
    block.headers.push(this.fixture.write(this.#author(), block.place, { prev: this.#prevOf(block), parent }))
  }

  #delete(): void {
    const block = this.#chance.oneOf(this.#blocks)
    const parent = this.#lastParent(block)
    block.headers.push(
      this.fixture.write(this.#author(), block.place, { prev: this.#prevOf(block), parent, deleted: true })
    )
  }

  /** What a replica that saw some of it would sign. */
  #checkpoint(): void {
    const zone = this.#chance.oneOf(this.#zones)
    const seen = this.fixture.records.filter((record) => isAuthority(record) || this.#chance.maybe(0.9))
    const set = this.#evaluated(seen)
    const rows = [...set.blocks.values()].flatMap((id) => {
      const evaluation = set.evaluate(id)
      const winner = evaluation?.winner
      if (winner === undefined || !equalBytes(homeZone(winner.body.birth, id), zone.block)) return []
      const heads = evaluation?.heads.flatMap((head) => {
        const header = set.header(head.id)
        return header === undefined ? [] : [[header, head.version] as const]
      })
      return [rowOf(...(heads ?? []))]
    })
    const prev = this.#chance.maybe(0.8) ? set.anchors(zone.block) : []
    this.#checkpoints.push(this.fixture.checkpoint(this.#author(), zone, rows, prev))
  }

  /** Lists a random version of random blocks, or claims a wrong root. */
  #lyingCheckpoint(): void {
    const zone = this.#chance.oneOf(this.#zones)
    const rows = this.#blocks
      .filter(
        ({ place }) => equalBytes(homeZone(place.birth, place.block), zone.block) && this.#chance.maybe(0.5)
      )
      .map(({ headers }) => rowOf([this.#chance.oneOf(headers), 1 + this.#chance.below(9)]))
    const options = this.#chance.maybe(0.5) ? { headsRoot: new Uint8Array(32).fill(9) } : {}
    this.#checkpoints.push(this.fixture.checkpoint(this.#author(), zone, rows, [], options))
  }

  #receipt(): void {
    const zone = this.#chance.oneOf(this.#zones)
    const records = this.#chance
      .shuffled([...this.fixture.records.filter((record) => record.type === 10), ...this.#checkpoints])
      .slice(0, 12)
    const time = this.#chance.maybe(0.7) ? 1000 : 2_000_000_000
    this.fixture.receipt(this.#host, zone, records, time)
  }

  #revoke(): void {
    const [root, alice, bob, , dora] = this.#authors
    const pairs: [Author | undefined, Author | undefined][] = [
      [root, alice],
      [root, bob],
      [alice, bob],
      [alice, dora],
      [bob, dora],
      [root, this.#host]
    ]
    const [by, target] = pairs[this.#chance.below(pairs.length)] ?? []
    if (by === undefined || target?.cap === undefined) return
    this.fixture.revoke(by, target, this.#cuts())
  }

  #cuts(): readonly Cut[] {
    return this.#zones.flatMap((zone) => {
      const own = this.#checkpoints.filter((checkpoint) => equalBytes(checkpoint.body.zone, zone.block))
      const checkpoint = own[this.#chance.below(own.length)]
      return checkpoint === undefined || this.#chance.maybe(0.3)
        ? []
        : [{ zone: zone.block, checkpoint: checkpoint.id }]
    })
  }

  #succeed(): void {
    const keepCaps = this.#authors.filter((author) => author.cap !== undefined && this.#chance.maybe(0.5))
    const prev = this.#succession !== undefined && this.#chance.maybe(0.5) ? { prev: this.#succession } : {}
    const name = `root ${this.#chance.below(3)}`
    const { root, record } = this.fixture.succeed(name, { keepCaps, cuts: this.#cuts(), ...prev })
    this.#succession = record
    this.#authors.push(root)
    this.#authors.push(
      this.fixture.cap(root, `admin of ${name}`, this.fixture.rootPlace, {
        rootGeneration: record.body.generation
      })
    )
  }

  #evaluated(records: readonly AnyRecord[]): RecordSet {
    return new RecordSet(crypto, records, (id) => this.readSector(id))
  }

  readSector(id: Uint8Array): Uint8Array | undefined {
    return this.fixture.sectors.find((sector) => equalBytes(sector.reference, id))?.bytes
  }
}

function isAuthority(record: AnyRecord): boolean {
  return record.type !== 10 && record.type !== 12
}
