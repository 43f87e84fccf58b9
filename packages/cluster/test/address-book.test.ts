import { describe, expect, test } from 'vitest'
import { type AddressBook, openAddressBook } from '../src/index.ts'
import { crypto, newAddressStore, newEndpoint, newPrincipal, startMs } from './principals.ts'

async function newBook(store = newAddressStore()): Promise<AddressBook> {
  return await openAddressBook({ crypto, now: () => startMs, store })
}

describe('AddressBook', () => {
  test('keeps the newest endpoint of a principal over a restart', async () => {
    const store = newAddressStore()
    const book = await newBook(store)
    const alice = newPrincipal()
    const newer = newEndpoint(alice, { sequence: 2, addresses: ['/ip4/192.0.2.2/tcp/1/tls'] })
    await book.learn(alice.record, newEndpoint(alice))
    expect(await book.learn(alice.record, newer)).toBe('taken')
    expect(await book.learn(alice.record, newer)).toBe('known')
    const again = await newBook(store)
    expect(again.targetsOf(alice.id)).toEqual([
      { address: '/ip4/192.0.2.2/tcp/1/tls', key: newer.body.transportKey, source: 'endpoint' }
    ])
    expect(again.knows(newer.body.transportKey)).toBe(true)
  })

  test('refuses an older endpoint, and a second one of the same number', async () => {
    const book = await newBook()
    const alice = newPrincipal()
    await book.learn(alice.record, newEndpoint(alice, { sequence: 5 }))
    await expect(book.learn(alice.record, newEndpoint(alice, { sequence: 4 }))).rejects.toMatchObject({
      code: 'ERR_HELLO_PROOF'
    })
    await expect(book.learn(alice.record, newEndpoint(alice, { sequence: 5 }))).rejects.toMatchObject({
      code: 'ERR_HELLO_PROOF'
    })
  })

  test('refuses an endpoint of somebody else and one that has ended', async () => {
    const book = await newBook()
    const alice = newPrincipal()
    const ended = newEndpoint(alice, { notAfter: startMs - 86_400_000 })
    await expect(book.learn(alice.record, newEndpoint(newPrincipal()))).rejects.toMatchObject({
      code: 'ERR_HELLO_PROOF'
    })
    await expect(book.learn(alice.record, ended)).rejects.toMatchObject({ code: 'ERR_HELLO_PROOF' })
    expect(book.entries()).toHaveLength(0)
  })

  test('tries what answered last first, then what a person gave, then what the node says', async () => {
    const book = await newBook()
    const alice = newPrincipal()
    await book.learn(
      alice.record,
      newEndpoint(alice, { addresses: ['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/2'] })
    )
    await book.addManual(alice.record, '/dns4/box.example/tcp/3')
    const tried = (): readonly string[] => book.targetsOf(alice.id).map(({ address }) => address)
    expect(tried()).toEqual(['/dns4/box.example/tcp/3', '/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/2'])
    await book.noteGood(alice.id, '/ip4/1.1.1.1/tcp/2')
    expect(tried()[0]).toBe('/ip4/1.1.1.1/tcp/2')
    expect(await book.removeManual(alice.id, '/dns4/box.example/tcp/3')).toBe(true)
    expect(await book.removeManual(alice.id, '/dns4/box.example/tcp/3')).toBe(false)
    await expect(book.addManual(alice.record, 'box.example')).rejects.toMatchObject({
      code: 'ERR_ADDRESS_INVALID'
    })
    await book.forget(alice.id)
    expect(book.targetsOf(alice.id)).toEqual([])
  })

  test('makes room when it is full: for who is of use, in place of who has lost its rights', async () => {
    const gone = new Set<string>()
    const isOfUse = (id: Uint8Array): boolean => !gone.has(id.toHex())
    const store = newAddressStore()
    const book = await openAddressBook({ crypto, now: () => startMs, store, isOfUse, entriesMax: 2 })
    const [alice, bob, carol] = [newPrincipal(), newPrincipal(), newPrincipal()]
    await book.learn(alice.record, newEndpoint(alice))
    await book.learn(bob.record, newEndpoint(bob))
    await expect(book.learn(carol.record, newEndpoint(carol))).rejects.toMatchObject({
      code: 'ERR_ADDRESS_INVALID'
    })
    gone.add(bob.id.toHex())
    expect(await book.learn(carol.record, newEndpoint(carol))).toBe('taken')
    expect(book.entries().map(({ principal }) => principal.signer)).toEqual([alice.id, carol.id])
    expect(store.values.size).toBe(2)
  })

  test('passes over a stored value that is damaged', async () => {
    const store = newAddressStore()
    await store.save(newPrincipal().id, new Uint8Array([1, 2, 3]))
    expect((await newBook(store)).entries()).toEqual([])
  })
})
