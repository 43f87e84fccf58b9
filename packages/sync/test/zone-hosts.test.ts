/** Who may promise, and until when: rights begin and end by the clock, though no record comes. */
import { createTreeState, right } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { ZoneHosts } from '../src/zone-hosts.ts'
import { crypto, Fixture } from './tree-fixture.ts'

const start = 1_700_000_000_000

describe('who may promise', () => {
  test('is asked anew when a cap begins or ends, and not before', async () => {
    const clock = { ms: start, now: () => clock.ms }
    const fixture = new Fixture('hosts')
    const host = { rights: right.host }
    const always = fixture.cap(fixture.root, 'always', fixture.rootPlace, host)
    const ending = fixture.cap(fixture.root, 'ending', fixture.rootPlace, { ...host, notAfter: start + 1000 })
    const coming = fixture.cap(fixture.root, 'coming', fixture.rootPlace, {
      ...host,
      notBefore: start + 2000
    })
    const tree = await createTreeState({ store: createMemoryStore(), crypto, clock })
    await tree.offer(fixture.offer(fixture.records), { peer: 'test', from: 'host' })
    const hosts = new ZoneHosts(tree, clock)
    const zone = fixture.rootPlace.block
    const names = (): readonly string[] => hosts.of(zone).map((id) => id.toHex())
    const expectThose = (...authors: readonly (typeof always)[]): void => {
      const wanted = authors.map(({ principal }) => principal.id.toHex())
      expect(names().toSorted()).toEqual(wanted.toSorted())
      expect(hosts.keepersOf(zone)).toHaveLength(wanted.length)
      expect(hosts.promisingIn(zone)).toHaveLength(wanted.length)
    }
    expectThose(always, ending)
    expect(hosts.of(zone)).toBe(hosts.of(zone)) // remembered
    clock.ms = start + 1000
    expectThose(always, ending)
    clock.ms = start + 1001
    expectThose(always)
    clock.ms = start + 2000
    expectThose(always, coming)
    clock.ms = start // set back
    expectThose(always, ending)
  })
})
