/** The short way of one new file: it leaves exactly what the general way leaves, and gives way where a rule asks for more. */
import { describe, expect, test } from 'vitest'
import type { BlockStore } from '../src/ports.ts'
import { type HeaderRecord, blockKind, right } from '../src/records.ts'
import type { BlockChange } from '../src/tree-state.ts'
import { type Author, Fixture, type Place, type Replica, createReplica } from './tree-fixture.ts'

const everything = { from: new Uint8Array(0), to: Uint8Array.of(0xff) }
const nameKey = new Uint8Array(16).fill(7)

async function rowsOf(store: BlockStore): Promise<readonly string[]> {
  const rows: string[] = []
  for await (const [key, value] of store.index.range(everything)) rows.push(`${key.toHex()} ${value.toHex()}`)
  return rows
}

interface Left {
  readonly rows: readonly string[]
  readonly changes: readonly BlockChange[]
  readonly statistics: object
}

/** What is left of a commit in a replica that held what the fixture had before. */
async function committed(before: Replica, header: HeaderRecord, isNew: boolean): Promise<Left> {
  const changes: BlockChange[] = []
  const stop = before.state.onChange((change) => changes.push(change))
  const inline = new Uint8Array(64).fill(1)
  await before.state.commitLocal({ records: [{ record: header, inline, nameKey, isNew }] })
  await before.state.settled()
  stop()
  expect(before.state.header(header.id)?.bytes).toEqual(header.bytes)
  expect(before.state.inlineOf(header.id)).toEqual(inline)
  return { rows: await rowsOf(before.store), changes, statistics: before.state.statistics() }
}

async function expectSameBothWays(fixture: Fixture, author: Author, parent: Place): Promise<Left> {
  const before = fixture.offer()
  const { first } = fixture.create(author, parent, { kind: blockKind.file })
  const [short, general] = [await createReplica(), await createReplica()]
  await short.take(before)
  await general.take(before)
  const left = await committed(short, first, true)
  expect(left).toEqual(await committed(general, first, false))
  return left
}

describe('the commit of one new file', () => {
  test('leaves the rows, counters and changes of the general way, in a zone root and in a plain directory', async () => {
    const fixture = new Fixture('new file')
    const { place: directory } = fixture.create(fixture.root, fixture.rootPlace, {
      kind: blockKind.directory
    })
    const writer = fixture.cap(fixture.root, 'writer', fixture.rootPlace, { rights: right.create })
    await expectSameBothWays(fixture, fixture.root, fixture.rootPlace)
    await expectSameBothWays(fixture, fixture.root, directory)
    const { changes, statistics } = await expectSameBothWays(fixture, writer, directory)
    expect(changes).toMatchObject([{ change: 'created', shownParent: directory.block }])
    expect(statistics).toMatchObject({ blocks: 5, live: 5, headers: 5, conflicts: 0 })
  })

  test('gives way below a directory that is not held, was deleted, or is no directory', async () => {
    const fixture = new Fixture('new file in odd places')
    const kind = blockKind.directory
    const unknown = fixture.place(fixture.root, fixture.rootPlace, { kind })
    const gone = fixture.create(fixture.root, fixture.rootPlace, { kind })
    fixture.write(fixture.root, gone.place, { prev: [gone.first], deleted: true })
    const file = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.file })
    const { rows } = await expectSameBothWays(fixture, fixture.root, unknown)
    expect(rows.some((row) => row.startsWith('6f'))).toBe(true) // shown under the zone root instead
    await expectSameBothWays(fixture, fixture.root, gone.place)
    await expectSameBothWays(fixture, fixture.root, file.place)
  })

  test('gives way under a cap that was revoked', async () => {
    const fixture = new Fixture('new file under a revoked cap')
    const writer = fixture.cap(fixture.root, 'writer', fixture.rootPlace, { rights: right.create })
    fixture.revoke(fixture.root, writer)
    const { changes } = await expectSameBothWays(fixture, writer, fixture.rootPlace)
    expect(changes).toEqual([])
  })

  test('is refused without the right to create, and leaves nothing', async () => {
    const fixture = new Fixture('new file without right')
    const reader = fixture.cap(fixture.root, 'reader', fixture.rootPlace, { rights: right.write })
    const replica = await createReplica()
    await replica.take(fixture.offer())
    const before = await rowsOf(replica.store)
    const { first } = fixture.create(reader, fixture.rootPlace, { kind: blockKind.file })
    const batch = { records: [{ record: first, nameKey, isNew: true }] }
    await expect(replica.state.commitLocal(batch)).rejects.toMatchObject({ code: 'ERR_HEADER_RIGHT' })
    expect(await rowsOf(replica.store)).toEqual(before)
  })

  test('is refused when the tree state is closed', async () => {
    const fixture = new Fixture('new file after the end')
    const replica = await createReplica()
    await replica.take(fixture.offer())
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.file })
    replica.state.close()
    const late = async (): Promise<void> =>
      replica.state.commitLocal({ records: [{ record: first, nameKey, isNew: true }] })
    await expect(late()).rejects.toMatchObject({ code: 'ERR_RECORD_MISSING' })
  })
})
