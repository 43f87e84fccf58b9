import { right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { failure, newPrincipal, newWorld, text, type World } from './sharing-fixture.ts'

function why(world: World, principal: Uint8Array, path: string, what: string) {
  const names = new Map([
    [String(world.root.id), 'root'],
    [String(world.node.id), 'node']
  ])
  return world.sharing.explainAccess(world.owner, {
    principal,
    path,
    right: what,
    nameOf: (id) => names.get(String(id)) ?? (String(id) === String(principal) ? 'Bob' : undefined)
  })
}

describe('explainAccess', () => {
  test('tells the way to a read right in sentences, through zones and changed keys', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/sub', { zone: true })
    await files.create(owner, '/d/sub/a', text('1'))
    const [bob, eve] = [newPrincipal(), newPrincipal()]
    const { grant } = await sharing.issueGrant(owner, { path: '/d', to: { principal: eve.record } })
    await sharing.revokeReader(owner, grant.id)
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    const { allowed, steps } = why(world, bob.id, '/d/sub/a', 'read')
    expect(allowed).toBe(true)
    expect(steps.every(({ ok }) => ok)).toBe(true)
    const texts = steps.map((step) => step.text)
    expect(texts).toContain('node granted Bob to read "/d"')
    expect(texts).toContain('the key of epoch 2 of "/d" was delivered to Bob')
    expect(texts.some((sentence) => sentence.includes('open to the readers of the zone around it'))).toBe(
      true
    )
    expect(texts.at(-1)).toBe('that key opens "/d/sub/a"')
  })

  test('names the link that is missing: no grant, a grant taken back, an ended one', async () => {
    const world = await newWorld()
    const { files, owner, sharing, clock } = world
    await files.makeDirectory(owner, '/d')
    await files.create(owner, '/d/a', text('1'))
    const bob = newPrincipal()
    expect(why(world, bob.id, '/d/a', 'read')).toMatchObject({ allowed: false })
    expect(why(world, bob.id, '/d/a', 'read').steps.at(-1)?.text).toContain('no grant to Bob covers "/d/a"')
    const first = await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    expect(why(world, bob.id, '/d/a', 'read').allowed).toBe(true)
    await sharing.revokeReader(owner, first.grant.id)
    expect(why(world, bob.id, '/d/a', 'read').steps.at(-1)).toMatchObject({
      ok: false,
      text: expect.stringContaining('taken back')
    })
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.id }, notAfterMs: clock.now() + 5000 })
    expect(why(world, bob.id, '/d/a', 'read').allowed).toBe(true)
    clock.set(clock.now() + 50_000)
    expect(why(world, bob.id, '/d/a', 'read').steps.at(-1)).toMatchObject({
      ok: false,
      text: 'this grant has ended'
    })
  })

  test('tells the chain of a write right, and what is missing', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.create(owner, '/d/a', text('1'))
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    expect(why(world, bob.id, '/d/a', 'write').steps.at(-1)?.text).toBe(
      'no cap was given to Bob: issue one with the right write'
    )
    const { cap } = await sharing.issueWriteCap(owner, { path: '/d', to: bob.id, rights: right.write })
    const allowed = why(world, bob.id, '/d/a', 'write')
    expect(allowed.allowed).toBe(true)
    expect(allowed.steps.at(-1)?.text).toBe('node gave Bob the rights write in and below "/d"')
    expect(why(world, bob.id, '/d/a', 'delete').steps.at(-1)?.text).toBe('this cap lacks the right delete')
    await sharing.revokeCap(owner, cap.id)
    expect(why(world, bob.id, '/d/a', 'write').steps.at(-1)?.text).toContain('node revoked the cap')
  })

  test('answers for what is in a shared folder, and beside it for the entry that belongs to the zone around', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/plain')
    const bob = newPrincipal()
    const { grant } = await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    const { cap } = await sharing.issueWriteCap(owner, { path: '/d', to: bob.id, rights: right.write })
    const read = why(world, bob.id, '/d', 'read')
    expect(read.allowed).toBe(true)
    expect(read.steps.at(-1)).toMatchObject({ ok: true, text: 'that key opens what is in "/d"' })
    expect(read.entry?.allowed).toBe(false)
    expect(read.entry?.steps.at(-1)?.text).toBe('no grant to Bob covers "/d": grant it to read')
    const write = why(world, bob.id, '/d', 'write')
    expect(write.allowed).toBe(true)
    expect(write.entry).toMatchObject({ allowed: false })
    expect(write.entry?.steps.at(-1)?.text).toBe('this cap is for another place')
    expect(why(world, bob.id, '/d', 'delete')).toMatchObject({ allowed: false })
    expect(why(world, bob.id, '/d/plain', 'write').entry).toBeUndefined()
    expect(why(world, owner.id, '/d', 'write').entry).toMatchObject({ allowed: true })
    expect(why(world, owner.id, '/', 'read').entry).toBeUndefined()
    await sharing.revokeReader(owner, grant.id)
    await sharing.revokeCap(owner, cap.id)
    expect(why(world, bob.id, '/d', 'read').steps.at(-1)?.text).toContain('taken back')
    expect(why(world, bob.id, '/d', 'write').steps.at(-1)?.text).toContain('node revoked the cap')
  })

  test('does not take a cap for the folder alone for one over what is in it', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.create(owner, '/d/a', text('1'))
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    await sharing.issueWriteCap(owner, { path: '/d/a', to: bob.id, rights: right.write })
    expect(why(world, bob.id, '/d', 'write').steps.at(-1)?.text).toBe('this cap is for another place')
    expect(why(world, bob.id, '/d/a', 'write').allowed).toBe(true)
  })

  test('refuses a word that is no right', async () => {
    const world = await newWorld()
    expect(await failure(() => why(world, world.node.id, '/', 'fly'))).toBe('ERR_RIGHT_UNKNOWN')
  })
})
