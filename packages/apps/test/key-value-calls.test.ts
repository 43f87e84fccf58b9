import { hostStatus } from '@blocktree/app-package'
import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { everything, openHost, text } from './host-fixture.ts'

const { invalid, conflict } = hostStatus

describe('the key-value store', () => {
  test('keeps values over a restart', async () => {
    const host = await openHost()
    await host.call('kv.set', { key: 'a', value: text('1') })
    await host.call('kv.set', { key: 'ä/../b', value: text('2') })
    await host.app.stop()
    const again = await host.start('notes', everything, async (event, guest) => {
      if (event.event !== 'health') return undefined
      const answer = await guest.call('kv.get', { key: 'ä/../b' })
      return { kind: 'error', value: new TextDecoder().decode(answer.reply) }
    })
    expect(await again.health()).toBe('2')
  })

  test('lists, deletes, replaces and counts', async () => {
    const host = await openHost()
    for (const key of ['b', 'a', 'c', 'x']) await host.call('kv.set', { key, value: text(key) })
    expect((await host.call('kv.list-keys', { prefix: '', after: 'a', limit: 2 })).reply).toEqual({
      keys: ['b', 'c'],
      next: 'c'
    })
    expect((await host.call('kv.list-keys', { prefix: 'x', after: undefined, limit: 2 })).reply).toEqual({
      keys: ['x'],
      next: undefined
    })
    expect((await host.call('kv.delete', { key: 'x' })).reply).toBe(true)
    expect((await host.call('kv.delete', { key: 'x' })).reply).toBe(false)
    const wrong = await host.call('kv.replace', { key: 'a', expected: undefined, value: text('2') })
    expect(wrong.status).toBe(conflict)
    expect((await host.call('kv.replace', { key: 'a', expected: text('a'), value: text('2') })).status).toBe(
      0
    )
    const sums = await Promise.all(
      Array.from({ length: 10 }, () => host.call('kv.increment', { key: 'n', amount: 1 }))
    )
    expect(sums.map(({ reply }) => reply)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await host.call('kv.increment', { key: 'a', amount: 1 })).status).toBe(invalid)
  })

  test('sees what the same app wrote and removed on another node', async () => {
    const host = await openHost()
    await host.call('kv.set', { key: 'a', value: text('1') })
    await host.call('kv.set', { key: 'b', value: text('2') })
    const other = await openHost()
    await other.call('kv.set', { key: 'a', value: text('3') })
    const directory = '/apps/notes/data/kv'
    const fileOf = (key: string): string => `${directory}/${hash('sha256', key)}`
    const [first, second] = [fileOf('a'), fileOf('b')]
    const content = await other.files.read(first, { offset: 0, length: 1000 })
    await host.files.write(first, content, { expected: { kind: 'anything' }, mediaType: undefined })
    host.files.change(first)
    const valueOf = async (key: string): Promise<unknown> => (await host.call('kv.get', { key })).reply
    await expect.poll(() => valueOf('a')).toEqual(text('3'))
    await host.files.remove(second, { isRecursive: false, expected: { kind: 'anything' } })
    host.files.change(second, 'removed')
    await expect.poll(() => valueOf('b')).toBeUndefined()
    expect((await host.call('kv.increment', { key: 'n', amount: 2 })).reply).toBe(2)
  })

  test('has a bound, and a value that does not fit changes nothing', async () => {
    const host = await openHost({ limits: { stateBytes: 100 } })
    expect((await host.call('kv.set', { key: 'a', value: new Uint8Array(90) })).status).toBe(0)
    expect((await host.call('kv.set', { key: 'b', value: new Uint8Array(10) })).status).toBe(
      hostStatus['no-space']
    )
    expect((await host.call('kv.set', { key: 'a', value: new Uint8Array(99) })).status).toBe(0)
    expect((await host.call('kv.get', { key: 'b' })).reply).toBeUndefined()
  })
})
