import { afterEach, describe, expect, test } from 'vitest'
import {
  type InvitationCode,
  type InvitationTerms,
  type Joined,
  type Peer,
  fingerprintOf,
  helloPurpose,
  join,
  openInvitationDesk
} from '../src/index.ts'
import { joinMethod, joinRecordsMethod } from '../src/invitation-desk.ts'
import { invitationId, sealJoinRequest } from '../src/join-message.ts'
import { type TestCluster, type TestNode, addressOf, createTestCluster } from './cluster-fixture.ts'
import { crypto, newPrincipal, startMs, treeId } from './principals.ts'

const terms: InvitationTerms = { path: '/', read: true, rights: 32, isApproved: true, name: 'box' }
const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

interface Scene {
  readonly cluster: TestCluster
  readonly owner: TestNode
  readonly joiner: TestNode
  readonly code: InvitationCode
}

async function newScene(change: Partial<InvitationTerms> = {}, lifeMs?: number): Promise<Scene> {
  const cluster = createTestCluster()
  open.push(cluster)
  const owner = await cluster.node('owner')
  const joiner = await cluster.node('joiner')
  const { secret } = await owner.desk.invite({ ...terms, ...change }, lifeMs)
  return { cluster, owner, joiner, code: codeOf(owner, secret) }
}

function codeOf(owner: TestNode, secret: Uint8Array): InvitationCode {
  return {
    secret,
    transportKey: owner.network.localKey,
    fingerprint: fingerprintOf(crypto, owner.principal.id, treeId),
    addresses: [addressOf(owner).address]
  }
}

async function meet(cluster: TestCluster, from: TestNode, to: TestNode): Promise<Peer> {
  return await cluster.time.until(from.directory.dial(addressOf(to), { purpose: helloPurpose.join }))
}

async function use({ cluster, owner }: Scene, from: TestNode, code: InvitationCode): Promise<Joined> {
  const peer = await meet(cluster, from, owner)
  return await cluster.time.until(joining(from, peer, code), 600_000)
}

function joining(from: TestNode, peer: Peer, code: InvitationCode, onWaiting?: () => void): Promise<Joined> {
  const { principal, network } = from
  const line = `request of ${principal.id.toHex()}`
  return join({
    crypto,
    code,
    peer,
    localKey: network.localKey,
    principal: principal.id,
    line,
    name: from.name,
    ...(onWaiting === undefined ? {} : { onWaiting })
  })
}

describe('joining', () => {
  test('lets the holder of a code in, without asking when the owner said so', async () => {
    const scene = await newScene()
    const joined = await use(scene, scene.joiner, scene.code)
    expect(joined.tree).toEqual(treeId)
    expect(new TextDecoder().decode(joined.records)).toBe(`records for ${scene.joiner.principal.id.toHex()}`)
    expect(scene.owner.standings.get(scene.joiner.principal.id.toHex())).toBe('member')
  })

  test('asks the owner otherwise, for as long as it takes', async () => {
    const { cluster, owner, joiner, code } = await newScene({ isApproved: false })
    const peer = await meet(cluster, joiner, owner)
    let told = 0
    const waiting = joining(joiner, peer, code, () => (told += 1))
    await cluster.time.advance(90_000)
    expect(told).toBe(1)
    expect(owner.desk.candidates().map(({ claimedName }) => claimedName)).toEqual(['joiner'])
    await owner.desk.approve(joiner.principal.id)
    expect((await cluster.time.until(waiting)).tree).toEqual(treeId)
    expect(owner.desk.candidates()).toEqual([])
  })

  test('says no when the owner does', async () => {
    const { cluster, owner, joiner, code } = await newScene({ isApproved: false })
    const peer = await meet(cluster, joiner, owner)
    const waiting = joining(joiner, peer, code)
    waiting.catch(() => undefined)
    await cluster.time.advance(1000)
    await owner.desk.refuse(joiner.principal.id)
    await expect(cluster.time.until(waiting)).rejects.toMatchObject({ code: 'ERR_JOIN_REFUSED' })
    await expect(owner.desk.approve(joiner.principal.id)).rejects.toMatchObject({ code: 'ERR_JOIN_UNKNOWN' })
  })

  test('goes on over a new connection when the first one broke before the approval', async () => {
    const { cluster, owner, joiner, code } = await newScene({ isApproved: false })
    const peer = await meet(cluster, joiner, owner)
    const first = joining(joiner, peer, code)
    first.catch(() => undefined)
    await cluster.time.advance(1000)
    await cluster.time.until(peer.connection.close('restart'))
    const again = await meet(cluster, joiner, owner)
    const second = joining(joiner, again, code)
    await cluster.time.advance(1000)
    await owner.desk.approve(joiner.principal.id)
    expect((await cluster.time.until(second)).tree).toEqual(treeId)
  })
})

describe('attacks on joining', () => {
  test('a code is used once: a second principal with it gets nothing', async () => {
    const scene = await newScene()
    const thief = await scene.cluster.node('thief')
    await use(scene, scene.joiner, scene.code)
    await expect(use(scene, thief, scene.code)).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
    const peer = await meet(scene.cluster, thief, scene.owner)
    const pulling = Array.fromAsync(
      peer.connection.pull(joinRecordsMethod, invitationId(crypto, scene.code.secret))
    )
    await expect(scene.cluster.time.until(pulling)).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
  })

  test('the use is on disk before the answer: after a crash it is still used', async () => {
    const scene = await newScene({ isApproved: false })
    const { cluster, owner, joiner, code } = scene
    const peer = await meet(cluster, joiner, owner)
    joining(joiner, peer, code).catch(() => undefined)
    await cluster.time.advance(1000)
    const again = await openInvitationDesk({
      crypto,
      timers: cluster.time,
      localKey: () => owner.network.localKey,
      tree: treeId,
      principal: owner.principal.id,
      store: { load: async () => [...owner.invitations.values()], save: async () => undefined },
      checkLine: () => undefined,
      admit: async () => new Uint8Array(0)
    })
    expect(again.list()[0]?.usedBy?.principal).toEqual(joiner.principal.id)
  })

  test('an expired code and one that was taken back sound like an unknown one', async () => {
    const expired = await newScene({}, 60_000)
    await expired.owner.desk.invite(terms) // something is open, so that strangers may connect
    await expired.cluster.time.advance(61_000)
    await expect(use(expired, expired.joiner, expired.code)).rejects.toMatchObject({
      code: 'ERR_INVITATION_REFUSED'
    })
    const back = await newScene()
    await back.owner.desk.invite(terms)
    expect(await back.owner.desk.cancel(invitationId(crypto, back.code.secret))).toBe(true)
    await expect(use(back, back.joiner, back.code)).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
    const guessed = { ...back.code, secret: crypto.random.bytes(16) }
    await expect(use(back, back.joiner, guessed)).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
  })

  test('five wrong proofs make an invitation void, for its rightful holder too', async () => {
    const scene = await newScene()
    const { cluster, owner, code } = scene
    for (let count = 0; count < 5; count++) {
      const mallory = await cluster.node(`mallory-${count}`)
      const peer = await meet(cluster, mallory, owner)
      const channel = {
        joinerKey: crypto.random.bytes(32), // of another channel
        inviterKey: owner.network.localKey,
        joiner: mallory.principal.id,
        inviter: owner.principal.id
      }
      const body = sealJoinRequest(crypto, code.secret, channel, { line: 'x', name: '' })
      await expect(cluster.time.until(peer.connection.request(joinMethod, body))).rejects.toMatchObject({
        code: 'ERR_INVITATION_REFUSED'
      })
    }
    await expect(use(scene, scene.joiner, code)).rejects.toMatchObject({ code: 'ERR_INVITATION_REFUSED' })
  })

  test('who stands in between and passes the request on gains nothing', async () => {
    const scene = await newScene()
    const { cluster, owner, joiner, code } = scene
    const middle = await cluster.node('middle')
    await middle.desk.invite(terms)
    const toOwner = await meet(cluster, middle, owner)
    let answers = 0
    // the middle answers joins by asking the owner with the very same bytes
    const relayed = await meet(cluster, joiner, middle)
    const { principal, network } = joiner
    const channel = {
      joinerKey: network.localKey,
      inviterKey: relayed.connection.remoteKey,
      joiner: principal.id,
      inviter: middle.principal.id
    }
    const line = `request of ${principal.id.toHex()}`
    const body = sealJoinRequest(crypto, code.secret, channel, { line, name: 'joiner' })
    await cluster.time.until(
      toOwner.connection.request(joinMethod, body).then(
        () => (answers += 1),
        () => undefined
      )
    )
    expect(answers).toBe(0)
    expect(owner.desk.list()[0]?.usedBy).toBeUndefined()
    // and a real answer cannot come from the middle, which does not hold the secret
    await expect(cluster.time.until(joining(joiner, relayed, code))).rejects.toMatchObject({
      code: 'ERR_INVITATION_REFUSED'
    })
  })

  test('an inviter that does not hold the secret is found out', async () => {
    const scene = await newScene()
    const { cluster, joiner, code } = scene
    const liar = await cluster.node('liar')
    const { secret } = await liar.desk.invite(terms)
    const peer = await meet(cluster, joiner, liar)
    // the liar would have to prove the secret of the code: with its own one the request is not even found
    await expect(cluster.time.until(joining(joiner, peer, code))).rejects.toMatchObject({
      code: 'ERR_INVITATION_REFUSED'
    })
    // and with a code of its own, for a tree that the code does not name
    const bent = { ...codeOf(liar, secret), fingerprint: code.fingerprint }
    await expect(cluster.time.until(joining(joiner, peer, bent))).rejects.toMatchObject({
      code: 'ERR_JOIN_PROOF'
    })
  })

  test('a request for access of another principal is refused, and the invitation stays unused', async () => {
    const { cluster, owner, joiner, code } = await newScene()
    const peer = await meet(cluster, joiner, owner)
    const other = { ...joiner, principal: newPrincipal() }
    const channel = {
      joinerKey: joiner.network.localKey,
      inviterKey: peer.connection.remoteKey,
      joiner: joiner.principal.id,
      inviter: owner.principal.id
    }
    const line = `request of ${other.principal.id.toHex()}`
    const body = sealJoinRequest(crypto, code.secret, channel, { line, name: '' })
    await expect(cluster.time.until(peer.connection.request(joinMethod, body))).rejects.toMatchObject({
      code: 'ERR_METHOD_FORMAT'
    })
    expect(owner.desk.list()[0]?.usedBy).toBeUndefined()
  })

  test('floods of requests to join are held back', async () => {
    const { cluster, owner, joiner } = await newScene()
    const peer = await meet(cluster, joiner, owner)
    const codes = new Set<string>()
    for (let count = 0; count < 20; count++) {
      const asking = peer.connection
        .request(joinMethod, new Uint8Array(100))
        .catch((error: unknown) =>
          codes.add(error instanceof Error && 'code' in error ? String(error.code) : '')
        )
      await cluster.time.until(asking)
    }
    expect(codes).toEqual(new Set(['ERR_METHOD_FORMAT', 'ERR_METHOD_RATE']))
  })

  test('at most 64 invitations are open, and none longer than a week', async () => {
    const { owner } = await newScene()
    const long = await owner.desk.invite(terms, 365 * 86_400_000)
    expect(long.expiresMs).toBeLessThanOrEqual(startMs + 7 * 86_400_000 + 60_000)
    for (let count = owner.desk.list().length; count < 64; count++) await owner.desk.invite(terms)
    await expect(owner.desk.invite(terms)).rejects.toMatchObject({ code: 'ERR_INVITATION_LIMIT' })
  })
})
