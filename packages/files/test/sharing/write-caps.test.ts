/** Stories about who may write (MODEL B.7, part A "Write caps"): issuing, narrowing, taking back, cuts and quarantine. */
import { issueCap, right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import {
  asText,
  blockAt,
  crypto,
  failure,
  newPrincipal,
  newWorld,
  text,
  winnerAt,
  type World
} from './sharing-fixture.ts'

const writing = right.write | right.create | right.delete

async function member(
  world: World,
  path: string,
  rights = writing,
  options: { depth?: number; notAfterMs?: number } = {}
) {
  const principal = newPrincipal()
  await world.sharing.issueGrant(world.owner, { path, to: { principal: principal.record } })
  const { cap } = await world.sharing.issueWriteCap(world.owner, {
    path,
    to: principal.id,
    rights,
    ...options
  })
  return { principal, cap, actor: world.files.actor(principal) }
}

async function read(world: World, path: string): Promise<string> {
  return asText(world.files.read(world.owner, path).bytes)
}

describe('issueWriteCap', () => {
  test('lets a member write in the share, and not beside it', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/e')
    const bob = await member(world, '/d')
    await world.files.create(bob.actor, '/d/a', text('1'))
    expect(await read(world, '/d/a')).toBe('1')
    expect(await failure(() => world.files.create(bob.actor, '/e/a', text('1')))).toBe('ERR_ACCESS_DENIED')
  })

  test('gives one file alone to be written', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('1'))
    await world.files.create(world.owner, '/d/b', text('1'))
    const bob = await member(world, '/d/a', right.write)
    await world.files.write(bob.actor, '/d/a', 0, text('2'))
    expect(await read(world, '/d/a')).toBe('2')
    expect(await failure(() => world.files.write(bob.actor, '/d/b', 0, text('2')))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => member(world, '/d/a', right.write | right.create))).toBe('ERR_RECORD_FIELD')
  })

  test('a member passes on less than it has, never more', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await member(world, '/d', writing | right.delegate, { depth: 1 })
    const carol = newPrincipal()
    const request = { path: '/d', to: carol.record, rights: right.write }
    const { cap } = await world.sharing.issueWriteCap(bob.actor, request)
    expect(cap.body.parentCap).toEqual(bob.cap.id)
    expect(
      await failure(() => world.sharing.issueWriteCap(bob.actor, { ...request, rights: right.admin }))
    ).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => world.sharing.issueWriteCap(bob.actor, { ...request, depth: 1 }))).toBe(
      'ERR_CAP_WIDER'
    )
    const carolActor = world.files.actor(carol)
    expect(
      await failure(() => world.sharing.issueWriteCap(carolActor, { ...request, to: bob.principal.id }))
    ).toBe('ERR_ACCESS_DENIED')
  })
})

describe('a cap that is passed on', () => {
  test('ends with the one above it, and keeps to its quota, unless it is given less', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const principal = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: principal.record } })
    const limits = {
      notAfterMs: world.clock.now() + 10 ** 9,
      quota: { bytes: 1000, blocks: 10, recordsPerDay: 5 }
    }
    const rights = right.write | right.delegate
    const bob = await world.sharing.issueWriteCap(world.owner, {
      path: '/d',
      to: principal.id,
      rights,
      depth: 2,
      ...limits
    })
    const actor = world.files.actor(principal)
    const request = { path: '/d', to: newPrincipal().record, rights: right.write }
    const { cap } = await world.sharing.issueWriteCap(actor, request)
    expect(cap.body).toMatchObject({
      parentCap: bob.cap.id,
      notAfter: limits.notAfterMs,
      quota: limits.quota
    })
    const less = { notAfterMs: limits.notAfterMs - 1, quota: { ...limits.quota, blocks: 9 } }
    const narrow = await world.sharing.issueWriteCap(actor, { ...request, ...less })
    expect(narrow.cap.body).toMatchObject({ notAfter: less.notAfterMs, quota: less.quota })
    for (const more of [
      { notAfterMs: limits.notAfterMs + 1 },
      { quota: { ...limits.quota, bytes: 1001 } },
      { quota: { ...limits.quota, blocks: 11 } },
      { quota: { ...limits.quota, recordsPerDay: 6 } }
    ])
      expect(await failure(() => world.sharing.issueWriteCap(actor, { ...request, ...more }))).toBe(
        'ERR_CAP_WIDER'
      )
  })

  test('needs the right to delegate besides what it gives', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await member(world, '/d', right.write, { depth: 3 })
    const request = { path: '/d', to: newPrincipal().record, rights: right.write }
    expect(await failure(() => world.sharing.issueWriteCap(bob.actor, request))).toBe('ERR_ACCESS_DENIED')
  })

  test('is taken back by the link nearest to the root, when somebody stands in its chain twice', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const rights = right.write | right.delegate | right.admin
    const bob = await member(world, '/d', rights, { depth: 6 })
    const carol = newPrincipal()
    const pass = async (from: World['owner'], to: typeof carol, depth: number) =>
      (await world.sharing.issueWriteCap(from, { path: '/d', to: to.record, rights, depth })).cap
    await pass(bob.actor, carol, 5)
    // Bob's shorter chain would be taken for what he passes on: the longer one is made by hand
    const ofCarol = world.tree.authority.capsOf(carol.id)[0]
    if (ofCarol === undefined) throw new Error('no cap')
    const issue = (parent: typeof ofCarol, signer: typeof carol, subject: typeof carol, depth: number) => {
      const { parentCap: _, ...body } = parent.body
      const draft = { ...body, subject: subject.id, depth, nonce: crypto.random.bytes(16) }
      return issueCap(crypto, signer, draft, { parent })
    }
    const again = issue(ofCarol, carol, bob.principal, 4)
    const dave = newPrincipal()
    const last = issue(again, bob.principal, dave, 3)
    const records = [again, dave.record, last].map((record) => ({ record }))
    await world.tree.commitLocal({ records })
    await world.sharing.revokeCap(bob.actor, last.id)
    const [revocation] = world.tree.authority.revocationsOf(last.id)
    expect(revocation?.body.by).toEqual(bob.cap.id)
  })
})

describe('A46: a revoked writer', () => {
  test('after a theft the cut is the last checkpoint before it, not the first', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('one'))
    const bob = await member(world, '/d')
    const checkpoint = async () =>
      (await world.sharing.makeCheckpoint(world.owner, await blockAt(world, '/d'))).record.body.timeMs
    await checkpoint()
    world.clock.set(world.clock.now() + 1000)
    await world.files.write(bob.actor, '/d/a', 0, text('two'))
    const sinceMs = await checkpoint()
    world.clock.set(sinceMs + 1000)
    await world.files.write(bob.actor, '/d/a', 0, text('bad'))
    await checkpoint()
    await world.sharing.revokeCap(world.owner, bob.cap.id, { sinceMs })
    expect(await read(world, '/d/a')).toBe('two')
  })

  test('keeps what it wrote before the cut, and back-dated work after it never wins', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await member(world, '/d')
    await world.files.create(bob.actor, '/d/a', text('honest'))
    const report = await world.sharing.revokeCap(world.owner, bob.cap.id)
    expect(report).toMatchObject({ cuts: 1, quarantined: 0, restored: 0, lost: 0 })
    expect(await read(world, '/d/a')).toBe('honest')
    expect(await failure(() => world.files.write(bob.actor, '/d/a', 0, text('later!')))).toBe(
      'ERR_ACCESS_DENIED'
    )
  })

  test('after a theft the cut lies before it: files are put back, new ones go to quarantine and can be taken over', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('good'))
    const bob = await member(world, '/d')
    await world.sharing.makeCheckpoint(world.owner, await blockAt(world, '/d'))
    const sinceMs = world.clock.now()
    await world.files.write(bob.actor, '/d/a', 0, text('evil'))
    await world.files.create(bob.actor, '/d/new', text('evil too'))
    const fresh = await blockAt(world, '/d/new')
    // a later honest checkpoint lists the stolen writes: without restoring, "/d/a" would show nothing
    await world.sharing.makeCheckpoint(world.owner, await blockAt(world, '/d'))
    const report = await world.sharing.revokeCap(world.owner, bob.cap.id, { sinceMs })
    expect(report).toMatchObject({ cuts: 1, quarantined: 2, restored: 1, lost: 1 })
    expect(await read(world, '/d/a')).toBe('good')
    expect(await failure(() => world.files.read(world.owner, '/d/new'))).toBe('ERR_FILE_NOT_FOUND')
    const quarantine = []
    for await (const entry of world.sharing.listQuarantine(world.owner)) quarantine.push(entry)
    const entry = quarantine.find(({ isShown }) => !isShown)
    const version = entry?.versions[0]?.id
    if (entry === undefined || version === undefined) throw new Error('nothing in quarantine')
    expect(entry.block).toEqual(fresh)
    await world.sharing.takeOver(world.owner, entry.block, version)
    expect(await read(world, '/d/new')).toBe('evil too')
    expect(await failure(() => world.sharing.takeOver(world.owner, entry.block, version))).toBe(
      'ERR_CONFLICT_NONE'
    )
  })
})

describe('A47: the end of a cap', () => {
  test('is judged by the clock of who admits: no new work afterwards', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const notAfterMs = world.clock.now() + 10_000
    const bob = await member(world, '/d', writing, { notAfterMs })
    await world.files.create(bob.actor, '/d/a', text('1'))
    world.clock.set(notAfterMs + 1)
    expect(await failure(() => world.files.create(bob.actor, '/d/b', text('1')))).toBe('ERR_ACCESS_DENIED')
    expect(
      world.sharing.listCaps(world.owner, { all: true }).find(({ cap }) => cap.id === bob.cap.id)?.state
    ).toBe('expired')
  })
})

describe('A48: revoking a link of a chain', () => {
  test('hits everything below it; who stands below cannot revoke upwards', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await member(world, '/d', writing | right.delegate | right.admin, { depth: 2 })
    const carol = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: carol.record } })
    const below = await world.sharing.issueWriteCap(bob.actor, { path: '/d', to: carol.id, rights: writing })
    const carolActor = world.files.actor(carol)
    await world.files.create(carolActor, '/d/a', text('1'))
    expect(await failure(() => world.sharing.revokeCap(carolActor, bob.cap.id))).toBe('ERR_ROOT_NEEDED')
    expect(await failure(() => world.sharing.revokeCap(bob.actor, bob.cap.id))).toBe('ERR_ROOT_NEEDED')
    await world.sharing.revokeCap(world.owner, bob.cap.id)
    expect(await failure(() => world.files.create(carolActor, '/d/b', text('1')))).toBe('ERR_ACCESS_DENIED')
    expect(await read(world, '/d/a')).toBe('1')
    expect(world.sharing.listCaps(world.owner, { path: '/d' })).toHaveLength(0)
    expect(
      world.sharing.listCaps(world.owner, { path: '/d', all: true }).map(({ cap }) => cap.id)
    ).toContainEqual(below.cap.id)
  })

  test('who passed a cap on may take it back; the root may take back the cap of the node', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await member(world, '/d', writing | right.delegate | right.admin, { depth: 2 })
    const below = await world.sharing.issueWriteCap(bob.actor, {
      path: '/d',
      to: newPrincipal().record,
      rights: writing
    })
    expect((await world.sharing.revokeCap(bob.actor, below.cap.id)).cuts).toBe(1)
    const { nodeCap } = world.genesis
    expect(await failure(() => world.sharing.revokeCap(world.owner, nodeCap.id))).toBe('ERR_ROOT_NEEDED')
    await world.sharing.revokeCap(world.rootActor, nodeCap.id)
    expect(await failure(() => world.files.create(world.owner, '/d/x', text('1')))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => world.files.create(world.rootActor, '/d/x', text('1')))).toBeUndefined()
  })
})

describe('A49: the length of a chain', () => {
  test('a header names the leaf cap, and a chain of more than eight links is refused', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    let { actor } = await member(world, '/d', writing | right.delegate, { depth: 6 })
    for (let depth = 5; depth >= 0; depth--) {
      const next = newPrincipal()
      await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: next.record } })
      await world.sharing.issueWriteCap(actor, {
        path: '/d',
        to: next.id,
        rights: writing | right.delegate,
        depth
      })
      actor = world.files.actor(next)
    }
    await world.files.create(actor, '/d/a', text('deep'))
    const header = await winnerAt(world, '/d/a')
    expect(header.body.birth.rank).toBe(8)
    expect(header.bytes.length).toBeLessThan(1024)
    const another = { path: '/d', to: newPrincipal().record, rights: right.write }
    expect(await failure(() => world.sharing.issueWriteCap(actor, another))).toBe('ERR_CAP_WIDER')
  })
})

describe('A50: bits that nobody knows', () => {
  test('give nothing, and cannot be added below a cap without them', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const unknown = 1 << 20
    const bob = await member(world, '/d', right.write)
    const zone = world.tree.zoneBirth(await blockAt(world, '/d'))
    if (zone === undefined) throw new Error('no zone')
    const draft = {
      tree: world.genesis.tree.id,
      rootGeneration: 0,
      subject: bob.principal.id,
      scopeType: 0 as const,
      scopeBirth: zone,
      rights: unknown,
      depth: 0,
      notBefore: undefined,
      notAfter: undefined,
      quota: undefined,
      nonce: crypto.random.bytes(16)
    }
    const record = issueCap(crypto, world.root, draft)
    await world.tree.commitLocal({ records: [{ record }] })
    expect(await failure(() => world.files.create(bob.actor, '/d/a', text('1')))).toBe('ERR_ACCESS_DENIED')
    expect(() => issueCap(crypto, world.node, draft, { parent: world.genesis.nodeCap })).toThrow(
      expect.objectContaining({ code: 'ERR_CAP_WIDER' })
    )
  })
})

describe('A51: an app that writes', () => {
  test('has a principal and a cap of its own, so "why" names it and revoking it stops it alone', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/app')
    const app = await member(world, '/app')
    await world.files.create(app.actor, '/app/data', text('1'))
    expect((await winnerAt(world, '/app/data')).signer).toEqual(app.principal.id)
    const why = world.sharing.explainAccess(world.owner, {
      principal: app.principal.id,
      path: '/app/data',
      right: 'write'
    })
    expect(why.allowed).toBe(true)
    await world.sharing.revokeCap(world.owner, app.cap.id)
    expect(await failure(() => world.files.create(app.actor, '/app/more', text('1')))).toBe(
      'ERR_ACCESS_DENIED'
    )
    expect(await failure(() => world.files.create(world.owner, '/app/more', text('1')))).toBeUndefined()
  })
})
