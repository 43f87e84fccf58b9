/** What each source of addresses may say, and what is believed of it: only what the principal itself has signed, while it holds. */
import type { TransportKey } from '@blocktree/network'
import type { EndpointRecord, Id } from '@blocktree/tree'
import { afterEach, describe, expect, test } from 'vitest'
import { type AddressSource, encodeKnownEndpoints, openAddressBook, openKnownEndpoint } from '../src/index.ts'
import { clockSkewMs, foundEndpointBytesMax } from '../src/limits.ts'
import { type TestCluster, type TestNode, createTestCluster } from './cluster-fixture.ts'
import { crypto, newAddressStore, newEndpoint, newPrincipal, startMs } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

interface Searching {
  readonly cluster: TestCluster
  /** Looks for `lost`, a member whose address in the book leads nowhere. */
  readonly seeker: TestNode
  readonly lost: TestNode
}

async function newSearch(): Promise<Searching> {
  const cluster = createTestCluster()
  open.push(cluster)
  const seeker = await cluster.node('seeker')
  const lost = await cluster.node('lost')
  const stale = newEndpoint(lost.principal, {
    transportKey: lost.network.localKey,
    addresses: ['/memory/gone']
  })
  await seeker.book.learn(lost.principal.record, stale)
  lost.endpoint = newer(lost, 2)
  seeker.standings.set(lost.principal.id.toHex(), 'member')
  lost.standings.set(seeker.principal.id.toHex(), 'member')
  return { cluster, seeker, lost }
}

function newer(node: TestNode, sequence: number, notAfter?: number): EndpointRecord {
  return newEndpoint(node.principal, {
    transportKey: node.network.localKey,
    addresses: [`/memory/${node.name}`],
    sequence,
    ...(notAfter === undefined ? {} : { notAfter })
  })
}

type Origin = AddressSource['origin']
const origins: readonly Origin[] = ['mdns', 'dht', 'relay']

function addSource(
  { directory }: TestNode,
  origin: Origin,
  answer: { readonly endpoints?: readonly Uint8Array[]; readonly addresses?: readonly string[] },
  asked: Origin[] = []
): void {
  const find = async (): Promise<typeof answer> => {
    asked.push(origin)
    return await Promise.resolve(answer)
  }
  directory.addDiscovery({ sources: [{ origin, find }], onFound: () => () => undefined })
}

async function search({ cluster, seeker, lost }: Searching): Promise<string> {
  const reached = seeker.directory.connect(lost.principal.id).then(
    (peer) => seeker.directory.originOf(peer) ?? 'inbound',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'other')
  )
  return await cluster.time.until(reached)
}

const encoded = (node: TestNode, endpoint: EndpointRecord, principal = node.principal): Uint8Array =>
  encodeKnownEndpoints([{ principal: principal.record, endpoint }])

function forge(bytes: Uint8Array): Uint8Array {
  const forged = bytes.slice()
  forged[forged.length - 3] = (forged.at(-3) ?? 0) ^ 1
  return forged
}

describe.each(origins)('the source %s', (origin) => {
  test('leads to a member by an endpoint that the member signed', async () => {
    const all = await newSearch()
    addSource(all.seeker, origin, { endpoints: [encoded(all.lost, newer(all.lost, 2))] })
    expect(await search(all)).toBe(origin)
    expect(all.seeker.book.entry(all.lost.principal.id)?.endpoint?.body.sequence).toBe(2)
  })

  test('leads to a member by a hint, which is no endpoint', async () => {
    const all = await newSearch()
    addSource(all.seeker, origin, { addresses: ['/memory/lost'] })
    expect(await search(all)).toBe(origin)
  })

  test('is not believed a forged, an old, an ended or a foreign endpoint', async () => {
    const other = newPrincipal()
    const ended = startMs - clockSkewMs - 1
    const foreign = newEndpoint(other, { addresses: ['/memory/lost'], sequence: 5 })
    const lies: Readonly<Record<string, (lost: TestNode) => readonly Uint8Array[]>> = {
      forged: (lost) => [forge(encoded(lost, newer(lost, 3)))],
      'not newer': (lost) => [encoded(lost, newer(lost, 1))],
      ended: (lost) => [encoded(lost, newer(lost, 4, ended))],
      'of another principal': (lost) => [encoded(lost, foreign, other)],
      'signed by another': (lost) => [encoded(lost, foreign)],
      'no endpoint': () => [
        new Uint8Array(0),
        new Uint8Array(foundEndpointBytesMax + 1),
        Uint8Array.of(0x92, 1, 0x90)
      ]
    }
    for (const [name, lie] of Object.entries(lies)) {
      const all = await newSearch()
      const { seeker, lost } = all
      addSource(seeker, origin, { endpoints: lie(lost) })
      expect([name, await search(all)]).toEqual([name, 'ERR_PEER_UNREACHABLE'])
      expect(seeker.book.entry(lost.principal.id)?.endpoint?.body.addresses).toEqual(['/memory/gone'])
      expect(seeker.book.entry(other.id)).toBeUndefined()
    }
  })

  test('leads to nobody who holds another key, or whose own endpoint is forged or has ended', async () => {
    const all = await newSearch()
    const { cluster, seeker, lost } = all
    await cluster.node('thief')
    addSource(seeker, origin, { addresses: ['/memory/thief'] })
    expect(await search(all)).toBe('ERR_PEER_UNREACHABLE')
    for (const says of [
      newer(lost, 6, startMs - clockSkewMs - 1),
      newEndpoint(newPrincipal(), { sequence: 7 })
    ]) {
      const one = await newSearch()
      one.lost.endpoint = says
      addSource(one.seeker, origin, { addresses: ['/memory/lost'] })
      expect(await search(one)).toBe('ERR_PEER_UNREACHABLE')
    }
  })
})

describe('sources', () => {
  test('are asked in order, each when those before it led nowhere', async () => {
    const all = await newSearch()
    const asked: Origin[] = []
    addSource(all.seeker, 'relay', { addresses: ['/memory/lost'] }, asked)
    addSource(all.seeker, 'dht', {}, asked)
    addSource(all.seeker, 'mdns', { addresses: ['/memory/nobody'] }, asked)
    expect(await search(all)).toBe('relay')
    expect(asked).toEqual(['mdns', 'dht', 'relay'])
    const again = await newSearch()
    const askedAgain: Origin[] = []
    addSource(again.seeker, 'dht', {}, askedAgain)
    addSource(again.seeker, 'mdns', { addresses: ['/memory/lost'] }, askedAgain)
    expect(await search(again)).toBe('mdns')
    expect(askedAgain).toEqual(['mdns'])
  })

  test('that fail do not keep the others from being asked', async () => {
    const all = await newSearch()
    all.seeker.directory.addDiscovery({
      sources: [{ origin: 'mdns', find: () => Promise.reject(new Error('broken')) }],
      onFound: () => () => undefined
    })
    addSource(all.seeker, 'relay', { addresses: ['/memory/lost'] })
    expect(await search(all)).toBe('relay')
  })

  test('lead on to a member with a new transport key, when it has signed for it', async () => {
    const all = await newSearch()
    const { cluster, seeker, lost } = all
    const key: TransportKey = crypto.signingKey(crypto.random.bytes(32)).publicKey
    cluster.hub.join({ name: 'renewed', localKey: key })
    const endpoint = newEndpoint(lost.principal, {
      transportKey: key,
      addresses: ['/memory/renewed'],
      sequence: 9
    })
    addSource(seeker, 'dht', { endpoints: [encoded(lost, endpoint)] })
    await search(all) // nobody greets there
    expect(seeker.book.principalOf(key)).toEqual(lost.principal.id)
  })
})

describe('the address book', () => {
  async function reopened(
    change: (value: Uint8Array) => Uint8Array,
    nowMs = startMs
  ): Promise<readonly string[]> {
    const store = newAddressStore()
    const principal = newPrincipal()
    const id: Id = principal.id
    const book = await openAddressBook({ crypto, now: () => startMs, store })
    await book.learn(principal.record, newEndpoint(principal, { addresses: ['/memory/a'] }))
    for (const [key, value] of store.values) store.values.set(key, change(value))
    const again = await openAddressBook({ crypto, now: () => nowMs, store })
    return again.targetsOf(id).map(({ address }) => address)
  }

  test('leads to what it learnt, also after it was read from the disk', async () => {
    expect(await reopened((value) => value)).toEqual(['/memory/a'])
  })

  test('leads nowhere when what was kept was forged, or has ended', async () => {
    for (const at of [10, 60, 200, 300, 400]) {
      const changed = await reopened((value) =>
        value.map((byte, index) => (index === value.length - at ? byte ^ 1 : byte))
      )
      expect(changed, `${at} bytes before the end`).toEqual([])
    }
    expect(await reopened((value) => value, startMs + 86_400_001)).toEqual([])
  })
})

describe('openKnownEndpoint', () => {
  test('gives one endpoint of the principal that was asked for, and nothing else', () => {
    const principal = newPrincipal()
    const endpoint = newEndpoint(principal)
    const one = { principal: principal.record, endpoint }
    const wanted = { principal: principal.id, nowMs: startMs }
    expect(openKnownEndpoint(crypto, encodeKnownEndpoints([one]), wanted).endpoint.id).toEqual(endpoint.id)
    for (const wrong of [[], [one, one]])
      expect(() => openKnownEndpoint(crypto, encodeKnownEndpoints(wrong), wanted)).toThrow('one endpoint')
    const bytes = encodeKnownEndpoints([one])
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
      expect(() => openKnownEndpoint(crypto, changed, wanted), `byte ${at}`).toThrow()
    }
  })
})
