/** One node serves many principals: what was worked out for one of them is told to no other. */
import { describe, expect, test } from 'vitest'
import { FilesError } from '../src/index.ts'
import { asText, blockAt, newPrincipal, newWorld, text, type World } from './sharing/sharing-fixture.ts'

async function told(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'nothing refused'
  } catch (error) {
    if (error instanceof FilesError) return `${error.code} ${error.message}`
    throw error
  }
}

async function worldWithSecrets(): Promise<World> {
  const world = await newWorld()
  await world.files.makeDirectory(world.owner, '/secret')
  await world.files.makeDirectory(world.owner, '/secret/there')
  await world.files.create(world.owner, '/secret/file', text('1'))
  await world.files.makeDirectory(world.owner, '/open')
  await world.files.create(world.owner, '/open/a', text('for the guest'))
  return world
}

describe('somebody without a grant', () => {
  test('cannot find out by creating what is there already', async () => {
    const world = await worldWithSecrets()
    const stranger = world.files.actor(newPrincipal())
    const paths = ['/secret/there', '/secret/file', '/secret/absent', '/secret/there/x', '/secret/file/x']
    for (const act of ['create', 'makeDirectory'] as const) {
      for (const path of paths) {
        const answer = await told(() =>
          act === 'create'
            ? world.files.create(stranger, path, text('2'))
            : world.files.makeDirectory(stranger, path)
        )
        expect(answer, `${act} ${path}`).toMatch(/^ERR_ACCESS_DENIED/)
      }
    }
  })

  test('is told the same of names that exist and of names that do not', async () => {
    const world = await worldWithSecrets()
    const stranger = world.files.actor(newPrincipal())
    const { files } = world
    for (const act of ['read', 'stat'] as const) {
      const answers = ['there/x', 'file/x', 'absent/x', 'there', 'file', 'absent'].map(
        (name) => `/secret/${name}`
      )
      const all = await Promise.all(
        answers.map(async (path) => (await told(() => files[act](stranger, path))).replaceAll(path, 'PATH'))
      )
      expect(new Set(all).size, all.join('\n')).toBe(1)
      expect(all[0]).toMatch(/^ERR_ACCESS_DENIED/)
    }
  })

  test('is refused what the owner has just read, and what is kept opened for the owner', async () => {
    const world = await worldWithSecrets()
    const stranger = world.files.actor(newPrincipal())
    const content = new Uint8Array(300_000).fill(5)
    await world.files.create(world.owner, '/secret/large', content)
    const range = { offset: 200_000, length: 70_000, isReadOnly: true }
    for (const path of ['/secret/large', '/secret/file']) {
      expect(
        world.files.read(world.owner, path, path === '/secret/large' ? range : {}).bytes[0]
      ).toBeDefined()
      expect(await told(() => world.files.read(stranger, path, range))).toMatch(/^ERR_ACCESS_DENIED/)
    }
    expect(world.files.read(world.owner, '/secret/large', range).bytes).toEqual(content.subarray(0, 70_000))
    await world.files.write(world.owner, '/secret/large', 200_000, Uint8Array.of(6))
    expect(world.files.read(world.owner, '/secret/large', range).bytes[0]).toBe(6)
  })

  test('does not pass through a link that only another one can read', async () => {
    const world = await worldWithSecrets()
    const guest = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/open', to: { principal: guest.record } })
    await world.files.symlink(world.owner, '/secret/link', '/open')
    const actor = world.files.actor(guest)
    const path = '/secret/link/a'
    const before = await told(() => world.files.read(actor, path))
    expect(before).toMatch(/^ERR_ACCESS_DENIED/)
    expect(asText(world.files.read(world.owner, path).bytes)).toBe('for the guest')
    await world.files.write(world.owner, path, 0, text('for'))
    expect(await told(() => world.files.read(actor, path))).toBe(before)
    expect(asText(world.files.read(actor, '/open/a').bytes)).toBe('for the guest')
  })

  test('watches nothing, and a guest sees only what it can open', async () => {
    const world = await worldWithSecrets()
    const guest = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/open', to: { principal: guest.record } })
    const stranger = world.files.actor(newPrincipal())
    expect(await told(() => world.files.watch(stranger, '/secret'))).toMatch(/^ERR_ACCESS_DENIED/)
    expect(await told(() => world.files.watch(stranger, '/secret/file'))).toMatch(/^ERR_ACCESS_DENIED/)
    const end = new AbortController()
    const events = world.files.watch(world.files.actor(guest), '/open', { signal: end.signal })
    const seen: (string | undefined)[] = []
    const done = (async () => {
      for await (const event of events) if (event.change !== 'overrun') seen.push(event.block.toHex())
    })()
    await world.files.create(world.owner, '/secret/b', text('2'))
    await world.files.create(world.owner, '/open/b', text('2'))
    const block = await blockAt(world, '/open/b')
    await new Promise((resolve) => setTimeout(resolve, 20))
    end.abort()
    await done
    expect(seen).toEqual([block.toHex()])
  })

  test('reads nothing that a cache of another one holds, nor after the grant was taken back', async () => {
    const world = await worldWithSecrets()
    const guest = newPrincipal()
    const { grant } = await world.sharing.issueGrant(world.owner, {
      path: '/open',
      to: { principal: guest.record }
    })
    const actor = world.files.actor(guest)
    const [zone, file] = [await blockAt(world, '/open'), await blockAt(world, '/open/a')]
    expect(asText(world.files.read(actor, '/open/a').bytes)).toBe('for the guest')
    await world.sharing.revokeReader(world.owner, grant.id)
    const header = world.tree.blockState(file)?.winner?.body
    if (header?.epoch === undefined) throw new Error('no epoch')
    for (const holder of [actor, world.files.actor(newPrincipal())]) {
      expect(holder.zoneKey(header.epoch)).toBeUndefined()
      expect(holder.blockKey(header)).toBeUndefined()
      expect(holder.writeKey(zone)).toBeUndefined()
      expect(holder.canOpen(header)).toBe(false)
      for (const act of ['read', 'list', 'stat', 'history'] as const) {
        const path = act === 'list' ? '/open' : '/open/a'
        expect(await told(() => drained(world.files[act](holder, path) as unknown))).toMatch(
          /^ERR_ACCESS_DENIED/
        )
      }
    }
  })
})

async function drained(answer: unknown): Promise<void> {
  const value = await answer
  if (typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
    for await (const item of value as AsyncIterable<unknown>) void item
}

describe('a key that was handed out for a write', () => {
  test('is not emptied while the write goes on, when one of the grants of its actor ends', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const zone = await blockAt(world, '/d')
    const guest = newPrincipal()
    const to = { principal: guest.record }
    await world.sharing.issueGrant(world.owner, { path: '/', to })
    const notAfterMs = world.clock.now() + 1000
    await world.sharing.issueGrant(world.owner, { path: '/d', to, notAfterMs })
    const actor = world.files.actor(guest)
    const before = actor.writeKey(zone)
    const copy = before?.key.slice()
    world.clock.set(notAfterMs + 1000)
    expect(actor.writeKey(zone)?.epoch).toEqual(before?.epoch)
    expect(before?.key).toEqual(copy)
    actor.close()
    expect(before?.key).toEqual(copy)
    expect(before?.key.some((byte) => byte !== 0)).toBe(true)
  })
})
