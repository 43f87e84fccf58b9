import { formatId } from '@blocktree/codec'
import { chooseCrypto } from '../../src/choose-crypto.ts'
import { createPrincipal, type Id, createEndpoint, type EndpointRecord, endpointName } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { createPrincipalSecret } from '@blocktree/crypto'
import { describe, expect, test } from 'vitest'
import { type MemberNames, openMemberNames, ownNameRow } from '../../src/cluster/member-names.ts'

const crypto = await chooseCrypto('portable')
const newPrincipal = (): ReturnType<typeof createPrincipal> => {
  const secret = createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  return createPrincipal(crypto, secret)
}
type Principal = ReturnType<typeof newPrincipal>

const [self, box, attic, foreign] = [newPrincipal(), newPrincipal(), newPrincipal(), newPrincipal()]

function endpointOf(principal: Principal, name: string): EndpointRecord {
  return createEndpoint(crypto, principal, {
    tree: new Uint8Array(32),
    transportKey: new Uint8Array(32),
    addresses: [],
    notAfter: 1,
    sequence: 1,
    ext: [endpointName(name)]
  })
}

/** Members of the own tree and of one of another owner, each with what it says. */
async function namesWith(
  own: readonly (readonly [Principal, string])[],
  others: readonly (readonly [Principal, string])[] = [],
  given: Readonly<Record<string, string>> = {}
): Promise<MemberNames> {
  const store = createMemoryStore()
  await store.commit({ local: [ownNameRow('laptop')] })
  const trees = [own, others].map((members, index) => ({
    isOwn: index === 0,
    members,
    tree: { authority: { endpointsOf: () => [] } }
  }))
  const names = await openMemberNames({
    store,
    principals: {
      node: { id: self.id },
      names: () => given,
      nameOf: (id: Id) => given[formatId(id)] ?? formatId(id)
    },
    standing: {
      trees: () => trees,
      of: (held: (typeof trees)[number]) => ({ members: () => held.members.map(([{ id }]) => id) })
    }
  } as never) // the parts that it uses
  const said = new Map([...own, ...others].map(([one, name]) => [one.id.toHex(), endpointOf(one, name)]))
  names.attach((id) => said.get(id.toHex()))
  return names
}

const suffixed = (name: string, { id }: Principal): string => `${name}~${formatId(id).slice(-4)}`

describe('names of members', () => {
  test('are what each says of itself, and found by it', async () => {
    const names = await namesWith([[box, 'box'], [attic, 'attic']], [[foreign, 'far']]) // prettier-ignore
    const nameOf = names.current()
    expect([self, box, attic, foreign].map(({ id }) => nameOf(id))).toEqual(['laptop', 'box', 'attic', 'far'])
    expect(names.idOf('attic')).toEqual(attic.id)
    expect(names.idOf('laptop')).toEqual(self.id)
    expect(names.idOf('cellar')).toBeUndefined()
  })

  test('that two nodes say stand for neither, but those of the own tree go before others', async () => {
    const names = await namesWith([[box, 'laptop'], [attic, 'attic']], [[foreign, 'attic']]) // prettier-ignore
    const nameOf = names.current()
    expect(nameOf(self.id)).toBe(suffixed('laptop', self))
    expect(nameOf(box.id)).toBe(suffixed('laptop', box))
    expect(nameOf(attic.id)).toBe('attic')
    expect(nameOf(foreign.id)).toBe(suffixed('attic', foreign))
    expect(names.idOf('laptop')).toBeUndefined()
    expect(names.idOf(suffixed('laptop', box))).toEqual(box.id)
  })

  test('that a person gave to somebody else, or that mean something else, are not taken over', async () => {
    const given = { [formatId(foreign.id)]: 'friend', [formatId(box.id)]: 'box' }
    const names = await namesWith([[box, 'friend'], [attic, 'root']], [], given) // prettier-ignore
    const nameOf = names.current()
    expect(nameOf(box.id)).toBe(suffixed('friend', box))
    expect(nameOf(attic.id)).toBe(suffixed('root', attic))
    expect(nameOf(foreign.id)).toBe('friend')
  })

  test('are changed to names alone', async () => {
    const names = await namesWith([])
    await names.rename('cellar')
    expect(names.own).toBe('cellar')
    for (const wrong of ['root', 'node', 'app-x', 'The Cellar', '', 'x~y', '-x'])
      await expect(names.rename(wrong)).rejects.toMatchObject({ code: 'ERR_PRINCIPAL_NAME' })
  })
})
