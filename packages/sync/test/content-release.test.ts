/** Letting go of copies: whatever several nodes do at a time, and wherever they stop, enough copies are left. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContentRelease, type Releasable } from '../src/content-release.ts'
import type { PeerLink } from '../src/peer-link.ts'
import { seededNumbers } from './replicas.ts'

const record = new Uint8Array(32).fill(1)
const zone = new Uint8Array(32).fill(2)
const turns = (count: number): Promise<void> =>
  count <= 0 ? Promise.resolve() : Promise.resolve().then(() => turns(count - 1))

interface Run {
  readonly nodes: number
  readonly copies: number
  readonly seed: number
  /** Of the nodes that let go, those that end in the middle. */
  readonly crashes: readonly number[]
  /** A broken one: it goes on promising what it is letting go. */
  readonly promisesWhileLeaving?: boolean
}

/** Every node holds the content and lets go at some moment. @returns how many still hold it */
async function holdersAfter({ nodes, copies, seed, crashes, promisesWhileLeaving }: Run): Promise<number> {
  const next = seededNumbers(seed)
  const upTo = (count: number): number => Math.floor(next() * count)
  const holders = new Set(Array.from({ length: nodes }, (_, index) => index))
  const releases: ContentRelease[] = []
  const claims = (index: number): boolean =>
    holders.has(index) && (promisesWhileLeaving === true || releases[index]?.isLeaving(record) === false)
  for (let self = 0; self < nodes; self++) {
    const others = Array.from({ length: nodes }, (_, index) => index).filter((index) => index !== self)
    const links = others.map((index) => ({ name: String(index) }) as PeerLink)
    releases.push(
      new ContentRelease({
        promisers: () => links,
        async askPromise({ name }) {
          await turns(upTo(6))
          const promised = claims(Number(name)) ? [record] : []
          await turns(upTo(6))
          return promised
        },
        async challenge({ name }) {
          await turns(upTo(4))
          const isHeld = holders.has(Number(name))
          await turns(upTo(4))
          return isHeld
        }
      })
    )
  }
  const content: Releasable = { record, zone, copies, bytes: 1, root: record }
  const letGo = async (release: ContentRelease, self: number): Promise<void> => {
    await turns(upTo(30))
    const ended = new AbortController()
    await release.run(
      [content],
      async () => {
        // it ends before what it wrote is durable, or after
        if (crashes.includes(self) && upTo(2) === 0) throw new Error('a crash')
        holders.delete(self)
        await turns(upTo(6))
      },
      ended.signal
    )
  }
  await Promise.allSettled(releases.map(letGo))
  return holders.size
}

const runs = fc.integer({ min: 2, max: 6 }).chain((nodes) =>
  fc.record({
    nodes: fc.constant(nodes),
    copies: fc.integer({ min: 1, max: nodes }),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    crashes: fc.uniqueArray(fc.nat(nodes - 1))
  })
)

describe('ContentRelease', () => {
  test('leaves as many copies as were asked for, whoever lets go at a time', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (run) => {
        expect(await holdersAfter(run)).toBeGreaterThanOrEqual(run.copies)
      }),
      { numRuns: 500 }
    )
  })

  test('lets go of nothing that only it holds', async () => {
    expect(await holdersAfter({ nodes: 1, copies: 1, seed: 1, crashes: [] })).toBe(1)
  })

  test('this test would notice a node that promises what it is letting go', async () => {
    const left = await Promise.all(
      Array.from({ length: 200 }, (_, seed) =>
        holdersAfter({ nodes: 3, copies: 1, seed, crashes: [], promisesWhileLeaving: true })
      )
    )
    expect(Math.min(...left)).toBe(0)
  })

  test('counts two connections of one holder once, and nobody who proves nothing', async () => {
    const link = (name: string): PeerLink => ({ name }) as PeerLink
    const confirmed = async (links: readonly PeerLink[], isProven: boolean | undefined): Promise<number> =>
      await new ContentRelease({
        promisers: () => links,
        askPromise: () => Promise.resolve([record]),
        challenge: () => Promise.resolve(isProven)
      }).run(
        [{ record, zone, copies: 2, bytes: 1, root: record }],
        () => Promise.resolve(),
        new AbortController().signal
      )
    expect(await confirmed([link('a'), link('b')], true)).toBe(1)
    expect(await confirmed([link('a'), link('a')], true)).toBe(0)
    expect(await confirmed([link('a'), link('b')], false)).toBe(0)
    expect(await confirmed([link('a'), link('b')], undefined)).toBe(0)
  })
})
