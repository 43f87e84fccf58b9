import { afterEach, describe, expect, test } from 'vitest'
import { helloMethod } from '../src/handshake.ts'
import { encodeHello, helloPurpose } from '../src/hello.ts'
import { type TestCluster, addressOf, createTestCluster, isClosedSoon } from './cluster-fixture.ts'
import { crypto, newEndpoint, newPrincipal, startMs } from './principals.ts'

const open: TestCluster[] = []
function newCluster(): TestCluster {
  const cluster = createTestCluster()
  open.push(cluster)
  return cluster
}
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

describe('PeerDirectory', () => {
  test('connects members to each other, once, though all of them dial', async () => {
    const cluster = newCluster()
    const nodes = await Promise.all(['a', 'b', 'c'].map((name) => cluster.node(name)))
    await cluster.befriend(nodes)
    await cluster.time.advance(20_000)
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).map(({ principal }) => principal.id)
      expect(node.directory.peers()).toHaveLength(2)
      for (const id of others) expect(node.directory.find(id)?.connection.remoteKey).toBeDefined()
    }
  })

  test('finds a member by what another member says of its addresses', async () => {
    const cluster = newCluster()
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => cluster.node(name)))
    if (a === undefined || b === undefined || c === undefined) throw new Error('no nodes')
    await cluster.befriend([a, b, c], { tellsAddresses: false })
    await a.book.learn(b.principal.record, b.endpoint)
    await c.book.learn(b.principal.record, b.endpoint)
    a.directory.retry()
    await cluster.time.advance(10_000)
    c.directory.retry() // later than a has asked b
    await cluster.time.advance(10_000)
    expect(a.directory.find(c.principal.id)).toBeDefined()
  })

  test('comes back after the network was cut, with growing waits', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    await cluster.befriend([a, b])
    await cluster.time.advance(10_000)
    cluster.hub.partition(['a'], ['b'])
    await cluster.time.advance(120_000)
    expect(a.directory.find(b.principal.id)).toBeUndefined()
    cluster.hub.heal()
    await cluster.time.advance(320_000)
    expect(a.directory.find(b.principal.id)).toBeDefined()
    expect(b.directory.find(a.principal.id)).toBeDefined()
  })

  test('tells when a peer comes and goes', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    const seen: string[] = []
    a.directory.onPeer((_, state) => seen.push(state))
    await cluster.befriend([a, b])
    await cluster.time.advance(10_000)
    await cluster.time.until(b.directory.close())
    await cluster.time.advance(10_000)
    expect(seen[0]).toBe('connected')
    expect(seen.at(-1)).toBe('ended')
  })

  test('asks a discovery when no address answers, and dials who makes itself known', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    const told: ((key: Uint8Array, addresses: readonly string[]) => void)[] = []
    let hints: readonly string[] = []
    a.directory.addDiscovery({
      sources: [{ origin: 'mdns', find: async () => ({ addresses: hints }) }],
      onFound(listener) {
        told.push(listener)
        return () => undefined
      }
    })
    const elsewhere = newEndpoint(b.principal, {
      transportKey: b.network.localKey,
      addresses: ['/memory/gone']
    })
    await a.book.learn(b.principal.record, elsewhere)
    a.standings.set(b.principal.id.toHex(), 'member')
    b.standings.set(a.principal.id.toHex(), 'member')
    a.directory.refresh()
    await cluster.time.advance(30_000)
    expect(a.directory.find(b.principal.id)).toBeUndefined()
    hints = ['/memory/nobody', ...b.network.addresses()]
    a.directory.retry()
    await cluster.time.advance(30_000)
    expect(a.directory.find(b.principal.id)).toBeDefined()
    hints = []
    await cluster.time.until(a.directory.find(b.principal.id)?.connection.close('test') ?? Promise.resolve())
    for (const tell of told) tell(b.network.localKey, b.network.addresses())
    for (const tell of told) tell(newPrincipal().id, b.network.addresses()) // nobody of ours
    await cluster.time.advance(100)
    expect(a.directory.find(b.principal.id)).toBeDefined()
  })

  test('refuses who answers as another principal than the one that was asked for', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    await cluster.befriend([a, b], { tellsAddresses: false })
    b.standings.clear()
    await b.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
    const wrong = a.directory.dial(addressOf(b), { expected: newPrincipal().id })
    await expect(cluster.time.until(wrong)).rejects.toMatchObject({ code: 'ERR_PEER_OTHER' })
  })

  test('says that nobody answers when no address is known', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    await expect(cluster.time.until(a.directory.connect(newPrincipal().id))).rejects.toMatchObject({
      code: 'ERR_PEER_UNREACHABLE'
    })
  })

  test('lets no stranger connect while nothing is open to them', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    await expect(cluster.time.until(a.directory.dial(addressOf(b)))).rejects.toThrow()
    expect(b.directory.peers()).toHaveLength(0)
  })

  test('sends a stranger away who does not join', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const b = await cluster.node('b')
    await b.desk.invite({ path: '/', read: true, rights: 0, isApproved: false, name: '' })
    const peer = await cluster.time.until(a.directory.dial(addressOf(b)))
    await cluster.time.advance(100_000)
    expect(b.directory.find(a.principal.id)).toBeDefined()
    await cluster.time.advance(30_000)
    expect(await isClosedSoon(cluster.time, peer.connection)).toBe(true)
  })
})

describe('attacks on the hello', () => {
  test('a hello that was recorded elsewhere opens nothing, and repeated tries shut the key out', async () => {
    const cluster = newCluster()
    const victim = await cluster.node('victim')
    const friend = await cluster.node('friend')
    await cluster.befriend([victim, friend])
    await victim.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
    const mallory = cluster.hub.join({
      name: 'mallory',
      localKey: crypto.signingKey(crypto.random.bytes(32)).publicKey
    })
    const recorded = encodeHello({
      principal: friend.principal.record,
      endpoint: friend.endpoint, // certifies the friend's transport key
      trees: [],
      features: [],
      clockMs: startMs,
      purpose: helloPurpose.peer
    })
    let refused = 0
    for (let count = 0; count < 25; count++) {
      const { address, key } = addressOf(victim)
      const trying = mallory
        .dial(address, { expectedKey: key })
        .then((connection) => connection.request(helloMethod, recorded))
        .catch(() => (refused += 1))
      await cluster.time.until(trying)
      await cluster.time.advance(1000)
    }
    expect(refused).toBe(25)
    expect(victim.gate.isShutOut(mallory.localKey)).toBe(true)
    expect(victim.gate.isShutOut(friend.network.localKey)).toBe(false)
    await cluster.time.until(mallory.close())
  })

  test('an old transport key that was stolen is refused once a newer endpoint is known', async () => {
    const cluster = newCluster()
    const owner = newPrincipal()
    const stolen = await cluster.node('stolen', owner) // number 1
    const victim = await cluster.node('victim')
    victim.standings.set(owner.id.toHex(), 'member')
    await victim.book.learn(owner.record, newEndpoint(owner, { sequence: 2 }))
    await victim.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
    await expect(cluster.time.until(stolen.directory.dial(addressOf(victim)))).rejects.toMatchObject({
      code: 'ERR_HELLO_PROOF'
    })
  })

  test('nothing is answered before the hello', async () => {
    const cluster = newCluster()
    const victim = await cluster.node('victim')
    await victim.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
    const mallory = cluster.hub.join({
      name: 'mallory',
      localKey: crypto.signingKey(crypto.random.bytes(32)).publicKey
    })
    const { address, key } = addressOf(victim)
    const connection = await cluster.time.until(mallory.dial(address, { expectedKey: key }))
    const asking = connection.request('cluster.addresses', new Uint8Array(0))
    await expect(cluster.time.until(asking)).rejects.toMatchObject({ code: 'ERR_METHOD_FORBIDDEN' })
    expect(await isClosedSoon(cluster.time, connection)).toBe(true)
    await cluster.time.until(mallory.close())
  })

  test('a copy of the own data directory is refused', async () => {
    const cluster = newCluster()
    const a = await cluster.node('a')
    const copy = await cluster.node('copy', a.principal)
    await a.desk.invite({ path: '/', read: true, rights: 0, isApproved: true, name: '' })
    await expect(cluster.time.until(copy.directory.dial(addressOf(a)))).rejects.toMatchObject({
      code: 'ERR_PEER_REFUSED'
    })
  })
})
