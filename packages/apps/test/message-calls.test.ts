import { hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import { type GuestHost, grantOf, openHost, text } from './host-fixture.ts'

const { denied, closed, budget, busy, unreachable } = hostStatus

describe('messages', () => {
  const talk = grantOf('talk', { kind: 'messages', send: ['mail'], receive: true, otherNodes: false })
  const recipient = { node: undefined, app: 'mail' }
  const message = { recipient, topic: 'hi', content: text('x'), replyWithin: undefined }

  test('reach the other app, and the reply comes back', async () => {
    const host = await openHost({ granted: [talk] })
    await host.start('mail', [talk], async (event, guest) => {
      if (event.event !== 'message') return
      const handle = event.request.message.replyHandle ?? 0
      expect(event.request.message.sender).toEqual({ node: undefined, app: 'notes' })
      await guest.call('messages.reply', { message: handle, content: text('back') })
      expect((await guest.call('messages.reply', { message: handle, content: text('twice') })).status).toBe(
        closed
      )
    })
    const { reply } = await host.call('messages.send', { ...message, replyWithin: 1000 })
    await expect
      .poll(() => host.events.at(-1))
      .toMatchObject({ event: 'message', request: { message: { inReplyTo: reply } } })
  })

  test('need a grant on both sides, and somebody to receive them', async () => {
    const host = await openHost({ granted: [talk] })
    expect((await host.call('messages.send', message)).status).toBe(unreachable)
    await host.start('mail', [])
    expect((await host.call('messages.send', message)).status).toBe(denied)
    expect(
      (await host.call('messages.send', { ...message, recipient: { node: undefined, app: 'else' } })).status
    ).toBe(denied)
    const remote = { node: new Uint8Array(32), app: 'mail' }
    expect((await host.call('messages.send', { ...message, recipient: remote })).status).toBe(denied)
  })

  test('do not flood: a busy recipient and the budget of the sender end it', async () => {
    const host = await openHost({ granted: [talk], limits: { messagesPerMinute: 300 } })
    await host.start('mail', [talk], async ({ event }) => {
      if (event === 'message') await new Promise(() => undefined)
    })
    const statuses: number[] = []
    for (let index = 0; index < 302; index++)
      statuses.push((await host.call('messages.send', message)).status)
    expect(statuses.filter((status) => status === 0)).toHaveLength(256)
    expect(statuses[299]).toBe(busy)
    expect(statuses.slice(300)).toEqual([budget, budget])
    host.timers.move(60_000)
    expect((await host.call('messages.send', message)).status).toBe(busy)
  })

  test('that are never replied to are forgotten by both sides', async () => {
    const host = await openHost({ granted: [talk], limits: { messagesPerMinute: 3, queuedInvokes: 2 } })
    const asked: number[] = []
    let mail: GuestHost | undefined
    const taker = await host.start('mail', [talk], (event, guest) => {
      mail = guest
      if (event.event === 'message') asked.push(event.request.message.replyHandle ?? 0)
    })
    const before = taker.describe()?.openHandles ?? 0
    const waiting = { ...message, replyWithin: 86_400_000 }
    for (let index = 0; index < 3; index++) expect((await host.call('messages.send', waiting)).status).toBe(0)
    await expect.poll(() => asked.length).toBe(3)
    expect((taker.describe()?.openHandles ?? 0) - before).toBe(2)
    const reply = { message: asked[0] ?? 0, content: text('late') }
    expect((await mail?.call('messages.reply', reply))?.status).toBe(closed)
    host.timers.move(60_000)
    expect((await host.call('messages.send', waiting)).status).toBe(budget)
    expect((await host.call('messages.send', message)).status).toBe(0)
    expect((await mail?.call('messages.reply', { ...reply, message: asked[2] ?? 0 }))?.status).toBe(0)
    expect((await host.call('messages.send', waiting)).status).toBe(0)
    host.timers.move(86_400_000)
    expect((await host.call('messages.send', waiting)).status).toBe(0)
  })
})
