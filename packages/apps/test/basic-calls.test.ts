import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { openHost } from './host-fixture.ts'

const { budget } = hostStatus
const tooLarge = hostStatus['too-large']

describe('timers', () => {
  test('come once, or again and again until they are cancelled', async () => {
    const host = await openHost()
    const once = (await host.call('timers.start', { delay: 100, repeat: undefined })).reply
    const often = (await host.call('timers.start', { delay: 50, repeat: 50 })).reply ?? 0
    for (let step = 0; step < 4; step++) {
      host.timers.move(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const ticks = host.events.flatMap((one) => (one.event === 'timer' ? [one.request.tick.timer] : []))
    expect(ticks.filter((timer) => timer === once)).toHaveLength(1)
    expect(ticks.filter((timer) => timer === often)).toHaveLength(4)
    expect((await host.call('timers.cancel', { timer: often })).status).toBe(0)
    expect(host.timers.waiting).toBe(0)
  })

  test('do not pile up while the app is busy, and are no busy loop', async () => {
    let release = (): void => undefined
    const host = await openHost({
      guest: async ({ event }) => {
        if (event === 'timer') await new Promise<void>((resolve) => (release = resolve))
      }
    })
    await host.call('timers.start', { delay: 0, repeat: 0 })
    host.timers.move(1000)
    expect(host.events.filter(({ event }) => event === 'timer')).toHaveLength(1)
    release()
    await new Promise((resolve) => setImmediate(resolve))
    host.timers.move(10)
    await expect.poll(() => host.events.at(-1)?.request).toMatchObject({ tick: { missed: 99 } })
    host.crash()
    release()
    expect(host.timers.waiting).toBe(0)
  })

  test('are bounded', async () => {
    const host = await openHost({ limits: { timers: 1 } })
    await host.call('timers.start', { delay: 100, repeat: undefined })
    expect((await host.call('timers.start', { delay: 100, repeat: undefined })).status).toBe(budget)
  })
})

describe('random, clock and log', () => {
  test('answer without a grant', async () => {
    const host = await openHost({ granted: [] })
    expect((await host.call('random.bytes', { length: 16 })).reply).toHaveLength(16)
    expect((await host.call('random.bytes', { length: 70_000 })).status).toBe(tooLarge)
    host.timers.move(5)
    expect((await host.call('clock.now', {})).reply).toEqual({ now: 1_700_000_000_000_000, monotonic: 5000 })
  })

  test('a flood of log is cut to the rate allowed, and what was dropped is said', async () => {
    const host = await openHost({ limits: { logBytesPerSecond: 10_000 } })
    for (let line = 0; line < 200; line++) {
      await host.call('log.write', { level: 'info', message: 'x'.repeat(1000) })
    }
    expect(host.lines).toHaveLength(10)
    host.timers.move(1000)
    expect(host.lines.at(-1)).toMatchObject({
      source: 'host',
      message: '190000 bytes of its log were dropped: it writes too much'
    })
  })

  test('a line is cut where its escapes make it too long', async () => {
    const host = await openHost()
    await host.call('log.write', { level: 'info', message: '\n'.repeat(16_000) })
    expect(host.lines.at(-1)?.message).toHaveLength(16_385)
  })

  test('calls that are refused again and again do not fill the log', async () => {
    const host = await openHost({ granted: [] })
    const list = (path: string): Promise<unknown> =>
      host.call('files.list-directory', { path, after: undefined, limit: 1 })
    for (let call = 0; call < 2000; call++) await list('/data')
    expect(host.lines).toHaveLength(1)
    host.timers.move(1000)
    expect(host.lines.at(-1)?.message).toMatch(/^files.list-directory was denied.*\(1999 times more\)$/)
    for (let call = 0; call < 2000; call++) await list(`/data${call}`)
    expect(host.lines.length).toBeLessThan(400)
    host.timers.move(1000)
    expect(host.lines.at(-1)?.message).toMatch(/bytes about calls that failed were dropped/)
  })

  test('a line of the log cannot pass for another', async () => {
    const host = await openHost()
    await host.call('log.write', { level: 'info', message: 'a\nERROR node: b\u001b[2J\u202e' })
    expect(host.lines.at(-1)?.message).toBe('a\\u{a}ERROR node: b\\u{1b}[2J\\u{202e}')
  })
})
