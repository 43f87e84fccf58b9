/** D5 and D9 of MODEL: key changes and forgetting of keys, under random sharing and crashes at every commit. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { right } from '@blocktree/tree'
import { openRekeys } from '../../src/sharing/rekey-journal.ts'
import { openRevocations } from '../../src/sharing/revocation-journal.ts'
import {
  hoard,
  newPrincipal,
  newWorld,
  reopen,
  stoppingStore,
  text,
  winnerAt,
  asText
} from './sharing-fixture.ts'

const runs = process.env['SLOW'] === '1' ? 300 : 25
const places = ['/a', '/a/in', '/a/in/deep', '/b'] as const

describe('D5: after a reader was taken out', () => {
  test('no later header opens with any key that the reader ever held', async () => {
    const step = fc.record({
      act: fc.constantFrom('grant', 'revoke', 'write', 'rotate'),
      reader: fc.nat(2),
      place: fc.nat(places.length - 1),
      eager: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const world = await newWorld()
        for (const place of places) await world.files.makeDirectory(world.owner, place, { zone: true })
        const readers = [newPrincipal(), newPrincipal(), newPrincipal()]
        const grants: { readonly id: Uint8Array; readonly reader: number; readonly place: number }[] = []
        let count = 0
        for (const { act, reader, place, eager } of steps) {
          const path = places[place] ?? '/a'
          const principal = readers[reader]
          if (principal === undefined) throw new Error('no reader')
          if (act === 'grant') {
            const { grant } = await world.sharing.issueGrant(world.owner, {
              path,
              to: { principal: principal.record }
            })
            grants.push({ id: grant.id, reader, place })
          } else if (act === 'rotate') await world.sharing.keepKeys(world.owner)
          else if (act === 'revoke') {
            const index = grants.findIndex((grant) => grant.reader === reader)
            const [grant] = index < 0 ? [] : grants.splice(index, 1)
            if (grant === undefined) continue
            const ring = hoard(world, world.files.actor(principal))
            await world.sharing.revokeReader(world.owner, grant.id, { eager })
            const stillReads = (at: string): boolean =>
              grants.some(
                (other) => other.reader === reader && `${at}/`.startsWith(`${places[other.place]}/`)
              )
            for (const at of places) {
              const name = `${at}/after${count++}`
              await world.files.create(world.owner, name, text(name))
              const { epoch } = (await winnerAt(world, name)).body
              const opens = epoch !== undefined && ring.find(epoch) !== undefined
              if (!stillReads(at)) expect(opens).toBe(false)
            }
          } else await world.files.create(world.owner, `${path}/f${count++}`, text('x'))
        }
        // who still has a grant reads everything below it
        for (const { reader, place } of grants) {
          const principal = readers[reader]
          const path = `${places[place]}/last${count++}`
          await world.files.create(world.owner, path, text('last'))
          if (principal === undefined) continue
          expect(asText(world.files.read(world.files.actor(principal), path).bytes)).toBe('last')
        }
      }),
      { numRuns: runs }
    )
  })
})

describe('D9: a crash at each commit of a key change', () => {
  test('is made good by resuming, and nothing that was acknowledged is lost', async () => {
    for (const eager of [false, true]) {
      let isDone = false
      for (let commits = 0; !isDone && commits < 40; commits++) {
        const world = await newWorld()
        for (const place of places) await world.files.makeDirectory(world.owner, place, { zone: true })
        await world.files.create(world.owner, '/a/in/f', text('kept'))
        await world.files.create(world.owner, '/a/one', text('one'))
        const bob = newPrincipal()
        const carol = newPrincipal()
        const dave = newPrincipal()
        const { grant } = await world.sharing.issueGrant(world.owner, {
          path: '/a',
          to: { principal: bob.record }
        })
        await world.sharing.issueGrant(world.owner, { path: '/a', to: { principal: carol.record } })
        await world.sharing.issueGrant(world.owner, { path: '/a/one', to: { principal: dave.record } })
        const ring = hoard(world, world.files.actor(bob))
        const crashing = await reopen(world, stoppingStore(world.store, commits))
        try {
          await crashing.sharing.revokeReader(crashing.owner, grant.id, { eager })
          isDone = true
        } catch (error) {
          expect(String(error)).toContain('the store has stopped')
        }
        const after = await reopen(world)
        const wasSigned = after.tree.authority.grantRevocationsOf(grant.id).length > 0
        expect(await openRekeys(after.store)).toHaveLength(wasSigned && !isDone ? 1 : 0)
        await after.sharing.resumeRekeys(after.owner)
        expect(await openRekeys(after.store)).toHaveLength(0)
        expect(asText(after.files.read(after.files.actor(carol), '/a/in/f').bytes)).toBe('kept')
        expect(asText(after.files.read(after.files.actor(dave), '/a/one').bytes)).toBe('one')
        if (!wasSigned) continue
        for (const path of ['/a/new', '/a/in/new', '/a/in/deep/new']) {
          await after.files.create(after.owner, path, text('new'))
          const { epoch } = (await winnerAt(after, path)).body
          expect(epoch && ring.find(epoch)).toBeUndefined()
        }
        if (!eager) continue
        const { epoch } = (await winnerAt(after, '/a/in/f')).body
        expect(epoch && ring.find(epoch)).toBeUndefined()
      }
      expect(isDone).toBe(true)
    }
  })
})

describe('D9: a crash at each commit of the revocation of a cap', () => {
  test('leaves nothing half done: lost blocks are restored and keys changed after the next start', async () => {
    let isDone = false
    for (let commits = 0; !isDone && commits < 40; commits++) {
      const world = await newWorld()
      await world.files.makeDirectory(world.owner, '/a')
      await world.files.create(world.owner, '/a/f', text('good'))
      const thief = newPrincipal()
      const helper = newPrincipal()
      await world.sharing.issueGrant(world.owner, { path: '/a', to: { principal: thief.record } })
      const rights = right.write | right.grant
      const { cap } = await world.sharing.issueWriteCap(world.owner, { path: '/a', to: thief.id, rights })
      const zone = world.files.stat(world.owner, '/a').block
      await world.sharing.makeCheckpoint(world.owner, zone)
      const sinceMs = world.clock.now()
      const thiefActor = world.files.actor(thief)
      await world.sharing.issueGrant(thiefActor, { path: '/a', to: { principal: helper.record } })
      await world.files.write(thiefActor, '/a/f', 0, text('evil'))
      await world.sharing.makeCheckpoint(world.owner, zone)
      const ring = hoard(world, world.files.actor(helper))
      const crashing = await reopen(world, stoppingStore(world.store, commits))
      try {
        await crashing.sharing.revokeCap(crashing.owner, cap.id, { sinceMs })
        isDone = true
      } catch (error) {
        expect(String(error)).toContain('the store has stopped')
      }
      const after = await reopen(world)
      const wasSigned = after.tree.authority.revocationsOf(cap.id).length > 0
      await after.sharing.resume(after.owner)
      expect(await openRevocations(after.store)).toHaveLength(0)
      expect(asText(after.files.read(after.owner, '/a/f').bytes)).toBe(wasSigned ? 'good' : 'evil')
      if (!wasSigned) continue
      await after.files.create(after.owner, '/a/new', text('new'))
      const { epoch } = (await winnerAt(after, '/a/new')).body
      expect(epoch && ring.find(epoch)).toBeUndefined()
    }
    expect(isDone).toBe(true)
  })
})

describe('D9: a crash at each commit of making a share', () => {
  test('leaves duplicates at worst, and going on ends with one whole copy', async () => {
    let isDone = false
    for (let commits = 0; !isDone && commits < 40; commits++) {
      const world = await newWorld()
      await world.files.makeDirectory(world.owner, '/a')
      await world.files.makeDirectory(world.owner, '/a/p')
      for (const name of ['x', 'y']) await world.files.create(world.owner, `/a/p/${name}`, text(name))
      const crashing = await reopen(world, stoppingStore(world.store, commits))
      try {
        await crashing.sharing.createShare(crashing.owner, '/a/p')
        isDone = true
      } catch (error) {
        expect(String(error)).toContain('the store has stopped')
      }
      const after = await reopen(world)
      await after.files.resumeJobs(after.owner)
      for (const name of ['x', 'y']) {
        expect(asText(after.files.read(after.owner, `/a/p/${name}`).bytes)).toBe(name)
      }
      const page = await after.files.list(after.owner, '/a', { order: 'name' })
      expect(page.entries.map((entry) => entry.name)).toEqual(['p'])
    }
    expect(isDone).toBe(true)
  })
})
