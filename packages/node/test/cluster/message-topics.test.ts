import type { ReceivedMessage } from '@blocktree/cluster'
import { describe, expect, test } from 'vitest'
import { type HeldMessage, MessageTopics } from '../../src/cluster/message-topics.ts'

const tree = new Uint8Array(32).fill(1)

function messageWith(change: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return {
    from: new Uint8Array(32).fill(2),
    tree,
    fromApp: undefined,
    toApp: undefined,
    topic: 'weather',
    content: new Uint8Array(10),
    number: 1,
    replyWithinMs: undefined,
    inReplyTo: undefined,
    reply: undefined,
    ...change
  }
}

describe('MessageTopics', () => {
  test('gives a message to the program that listens, and says when none does', () => {
    const topics = new MessageTopics()
    const seen: HeldMessage[] = []
    expect(topics.take(messageWith())).toBe('nobody listens')
    const end = topics.listen({ topic: 'weather', onMessage: (held) => seen.push(held) })
    expect(topics.take(messageWith())).toBeUndefined()
    expect(topics.take(messageWith({ topic: 'news' }))).toBe('nobody listens')
    end()
    expect(topics.take(messageWith())).toBe('nobody listens')
    expect(seen).toHaveLength(1)
  })

  test('gives a topic to one program at a time, and none that the node answers itself', () => {
    const topics = new MessageTopics()
    const listen = (topic: string): (() => void) => topics.listen({ topic, onMessage: () => undefined })
    const end = listen('weather')
    expect(() => listen('weather')).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_TAKEN' }))
    expect(() => listen('ping')).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_TAKEN' }))
    end()
    listen('weather')
    for (let number = 1; number < 256; number++) listen(`topic ${number}`)
    expect(() => listen('one more')).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_TAKEN' }))
  })

  test('takes messages of one tree alone when told so', () => {
    const topics = new MessageTopics()
    topics.listen({ topic: 'weather', tree, onMessage: () => undefined })
    expect(topics.take(messageWith())).toBeUndefined()
    expect(topics.take(messageWith({ tree: new Uint8Array(32) }))).toBe('another tree')
  })

  test('refuses while too many messages or bytes wait, and goes on when there is room', () => {
    const topics = new MessageTopics()
    const seen: HeldMessage[] = []
    topics.listen({ topic: 'weather', onMessage: (held) => seen.push(held) })
    for (let count = 0; count < 256; count++) expect(topics.take(messageWith())).toBeUndefined()
    expect(topics.take(messageWith())).toBe('too many wait')
    topics.done(seen[0]?.number ?? 0)
    topics.done(seen[0]?.number ?? 0) // a second time changes nothing
    expect(topics.take(messageWith())).toBeUndefined()
    expect(topics.take(messageWith())).toBe('too many wait')
    for (const { number } of seen) topics.done(number)
    const large = messageWith({ content: new Uint8Array(1_000_000) })
    for (let count = 0; count < 16; count++) expect(topics.take(large)).toBeUndefined()
    expect(topics.take(large)).toBe('too many wait')
    expect(topics.take(messageWith())).toBeUndefined()
  })

  test('answers once, and nothing that nobody awaits or whose listener has ended', async () => {
    const topics = new MessageTopics()
    const seen: HeldMessage[] = []
    const replies: Uint8Array[] = []
    const end = topics.listen({ topic: 'weather', onMessage: (held) => seen.push(held) })
    const asks = messageWith({ replyWithinMs: 1000, reply: async (content) => void replies.push(content) })
    for (const message of [asks, messageWith(), asks]) topics.take(message)
    const [asked, told, late] = seen.map(({ number }) => number)
    const answer = new Uint8Array([7])
    await topics.reply(asked ?? 0, answer)
    for (const number of [asked, told])
      await expect(topics.reply(number ?? 0, answer)).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' })
    end()
    await expect(topics.reply(late ?? 0, answer)).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' })
    expect(replies).toEqual([answer])
  })
})
