/** Access lines: asking, answering and accepting by text (doc/spec/14-access-lines.md), and what hostile text may do. */
import { right } from '@blocktree/tree'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAnswer, parseAnswer } from '../../src/sharing/access-answer.ts'
import { requestPrefix } from '../../src/sharing/access-request.ts'
import { formatLink, parseLink } from '../../src/sharing/link-secret.ts'
import { FilesError } from '../../src/index.ts'
import {
  asText,
  crypto,
  failure,
  newHost,
  newPrincipal,
  newWorld,
  text,
  type World
} from './sharing-fixture.ts'

async function asked(world: World, draft: { read?: boolean; rights?: number; path?: string } = {}) {
  const principal = newPrincipal()
  const guest = await newHost(world, principal)
  const line = guest.sharing.requestAccess(guest.owner, {
    path: '/d',
    read: true,
    rights: 0,
    name: 'Carol',
    note: 'please',
    ...draft
  })
  return { principal, guest, line, request: world.sharing.parseAccessRequest(line) }
}

async function shared(): Promise<World> {
  const world = await newWorld()
  await world.files.makeDirectory(world.owner, '/d')
  await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
  await world.files.create(world.owner, '/d/a', text('1'))
  return world
}

describe('an access request', () => {
  test('is one line that says who asks for what', async () => {
    const { line, request, principal } = await asked(await shared(), { rights: right.write })
    expect(line).toMatch(/^blocktree-request:[A-Za-z0-9_-]+$/)
    expect(line.length).toBeLessThan(2500)
    expect(request).toMatchObject({
      path: '/d',
      read: true,
      rights: right.write,
      name: 'Carol',
      note: 'please'
    })
    expect(request.principal.signer).toEqual(principal.id)
  })

  test('is taken with white space around it, and in no other spelling', async () => {
    const world = await shared()
    const { line, request } = await asked(world)
    expect(world.sharing.parseAccessRequest(`  ${line}\n`).id).toEqual(request.id)
    for (const bad of [
      line.slice(0, -1),
      `${line}A`,
      `${line}=`,
      line.replace(':', ': '),
      line.toUpperCase(),
      `x${line}`,
      '',
      requestPrefix
    ]) {
      expect(await failure(() => world.sharing.parseAccessRequest(bad))).toBe('ERR_ACCESS_LINE')
    }
  })

  test('is refused with any character changed', async () => {
    const world = await shared()
    const { line } = await asked(world)
    const start = requestPrefix.length
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: start, max: line.length - 1 }),
        fc.constantFrom('A', 'b', '0', '-', ' '),
        async (at, other) => {
          if (line[at] === other) return
          const changed = line.slice(0, at) + other + line.slice(at + 1)
          expect(await failure(() => world.sharing.parseAccessRequest(changed))).toBe('ERR_ACCESS_LINE')
        }
      ),
      { numRuns: 200 }
    )
  })

  test('takes no more than 8 KiB, and texts within their bounds', async () => {
    const world = await shared()
    expect(await failure(() => world.sharing.parseAccessRequest(requestPrefix + 'A'.repeat(1 << 20)))).toBe(
      'ERR_ACCESS_LINE'
    )
    expect(await failure(() => asked(world, { path: `/${'x'.repeat(5000)}` }))).toBe('ERR_ACCESS_LINE')
  })
})

describe('approving and accepting', () => {
  test('gives a guest who has nothing yet all that it needs to read and write', async () => {
    const world = await shared()
    const { guest, request, principal } = await asked(world, { rights: right.write | right.create })
    const { line, grant, cap } = await world.sharing.approveAccess(world.owner, request)
    expect(grant).toBeDefined()
    expect(cap).toBeDefined()
    const accepted = await guest.sharing.acceptAccess(guest.owner, line)
    expect(accepted).toMatchObject({ path: '/d', read: true, rights: right.write | right.create })
    expect(accepted.request).toEqual(request.id)
    const results = await guest.tree.offer(accepted.offer, { peer: 'line', from: 'host' })
    expect(results.every(({ outcome }) => outcome === 'accepted')).toBe(true)
    expect(guest.owner.writeKey(accepted.target)).toBeDefined()
    const member = world.files.actor(principal)
    await world.files.create(member, '/d/b', text('2'))
    expect(asText(world.files.read(member, '/d/a').bytes)).toBe('1')
  })

  test('gives one file alone', async () => {
    const world = await shared()
    const { guest, request } = await asked(world, { path: '/d/a', rights: right.write })
    const { line } = await world.sharing.approveAccess(world.owner, request)
    const accepted = await guest.sharing.acceptAccess(guest.owner, line)
    expect(accepted.target).toEqual(world.files.stat(world.owner, '/d/a').block)
  })

  test('gives less than was asked for, never more', async () => {
    const world = await shared()
    const { request, guest } = await asked(world, { rights: right.write | right.create })
    expect(
      await failure(() => world.sharing.approveAccess(world.owner, request, { rights: right.admin }))
    ).toBe('ERR_RIGHT_UNKNOWN')
    expect(
      await failure(() => world.sharing.approveAccess(world.owner, request, { read: false, rights: 0 }))
    ).toBe('ERR_RIGHT_UNKNOWN')
    const { line, cap } = await world.sharing.approveAccess(world.owner, request, { rights: 0 })
    expect(cap).toBeUndefined()
    expect((await guest.sharing.acceptAccess(guest.owner, line)).rights).toBe(0)
  })

  test('an answer for somebody else is refused', async () => {
    const world = await shared()
    const { request } = await asked(world)
    const other = await asked(world)
    const { line } = await world.sharing.approveAccess(world.owner, request)
    expect(await failure(() => other.guest.sharing.acceptAccess(other.guest.owner, line))).toBe(
      'ERR_ACCESS_LINE'
    )
  })

  test('an answer that was changed and signed by a stranger is refused', async () => {
    const world = await shared()
    const { guest, request } = await asked(world)
    const { line } = await world.sharing.approveAccess(world.owner, request)
    const answer = parseAnswer(crypto, line)
    const mallory = newPrincipal()
    const refused = [
      { ...answer, approver: mallory.record },
      { ...answer, approver: mallory.record, records: [...answer.records, mallory.record.bytes] },
      { ...answer, rights: right.write, approver: world.node.record },
      { ...answer, tree: crypto.random.bytes(32) },
      { ...answer, target: crypto.random.bytes(32) },
      { ...answer, records: answer.records.slice(1) },
      { ...answer, records: answer.records.slice(0, -1) },
      { ...answer, records: [...answer.records, ...answer.records.slice(-1)] },
      { ...answer, births: [] },
      { ...answer, births: [crypto.random.bytes(100), ...answer.births] }
    ]
    for (const [index, change] of refused.entries()) {
      const signer = index < 2 ? mallory : world.node
      const code = await failure(() => guest.sharing.acceptAccess(guest.owner, formatAnswer(signer, change)))
      expect([index, code]).toEqual([index, 'ERR_ACCESS_LINE'])
    }
  })

  test('no text makes it throw anything but its own error', async () => {
    const world = await shared()
    const { guest, request } = await asked(world)
    const { line } = await world.sharing.approveAccess(world.owner, request)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.base64String().map((body) => `blocktree-access:${body}`),
          fc.nat(line.length - 1).map((at) => line.slice(0, at)),
          fc
            .nat(line.length - 1)
            .map((at) => `${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`)
        ),
        async (bad) => {
          try {
            await guest.sharing.acceptAccess(guest.owner, bad)
            expect.unreachable()
          } catch (error) {
            expect(error).toBeInstanceOf(FilesError)
          }
        }
      ),
      { numRuns: 200 }
    )
  })
})

describe('a link', () => {
  test('comes back from its text, and any change is noticed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (tree, secret) => {
          const line = formatLink(crypto, { tree, secret })
          expect(parseLink(crypto, line)).toEqual({
            tree: new Uint8Array(tree),
            secret: new Uint8Array(secret)
          })
          expect(() => parseLink(crypto, line.slice(0, -1))).toThrow(
            expect.objectContaining({ code: 'ERR_ACCESS_LINE' })
          )
        }
      ),
      { numRuns: 50 }
    )
  })
})
