/** messages.*: to other apps, of this node or another. */
import type { CallContext, HandlerGroup, HeldMessage, HostContext } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import { messageReplyMsMax } from '../limits.ts'
import type { Mailbox, MessageEnvelope } from '../message-switch.ts'

export const messageCalls: HandlerGroup<'messages'> = {
  'messages.send': async ({ recipient, topic, content, replyWithin }, call) => {
    const otherNode = recipient.node !== undefined
    call.grants.expect(
      { kind: 'message-out', app: recipient.app, otherNode },
      `messages to "${recipient.app}"`
    )
    if (replyWithin !== undefined) call.outbox.expectRoomForReply()
    const number = call.outbox.next(call.timers.monotonic())
    const reply = replyWithin === undefined ? undefined : awaitReply(call, number, replyWithin)
    const sender = { node: undefined, app: call.app }
    const message = { number, sender, topic, content, inReplyTo: undefined, reply: reply?.take }
    try {
      await call.messages.send(recipient, message)
    } catch (error) {
      reply?.end()
      throw error
    }
    return number
  },

  'messages.reply': ({ message, content }, call) => {
    const held = call.handles.get('message', message)
    held.reply(content)
    call.handles.close(message)
    return undefined
  }
}

/** Numbers messages, counts those of the last minute and the replies that are awaited. */
export class Outbox {
  readonly #perMinute: number
  #sent = 0
  #minuteStart = Number.NEGATIVE_INFINITY
  #inMinute = 0
  #awaited = 0

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Fails with `budget`. */
  next(nowMs: number): number {
    if (nowMs - this.#minuteStart >= 60_000) {
      this.#minuteStart = nowMs
      this.#inMinute = 0
    }
    if (this.#inMinute >= this.#perMinute)
      fail('budget', `this app may send ${this.#perMinute} messages a minute`)
    this.#inMinute += 1
    this.#sent += 1
    return this.#sent
  }

  /** Fails with `budget` when as many replies are awaited as messages may be sent in a minute. */
  expectRoomForReply(): void {
    if (this.#awaited >= this.#perMinute) fail('budget', `this app awaits ${this.#awaited} replies already`)
  }

  /** The returned function ends it; without effect the second time. */
  awaitReply(): () => void {
    this.#awaited += 1
    let isAwaited = true
    return () => {
      if (isAwaited) this.#awaited -= 1
      isAwaited = false
    }
  }
}

interface AwaitedReply {
  readonly take: (content: Uint8Array) => void
  /** No reply is awaited any more. */
  readonly end: () => void
}

/** Delivers one reply, while there is time for it. */
function awaitReply(call: CallContext, number: number, withinMs: number): AwaitedReply {
  let isOpen = true
  const endAwaited = call.outbox.awaitReply()
  const cancelTimer = call.timers.start(Math.min(withinMs, messageReplyMsMax), () => end())
  const end = (): void => {
    cancelTimer()
    isOpen = false
    endAwaited()
  }
  const take = (content: Uint8Array): void => {
    if (!isOpen) fail('timeout', 'the sender does not wait for the reply any more')
    end()
    const sender = { node: undefined, app: call.app }
    const envelope: MessageEnvelope = {
      number,
      sender,
      topic: '',
      content,
      inReplyTo: number,
      reply: undefined
    }
    void deliverMessage(call, envelope).catch(() => undefined)
  }
  return { take, end }
}

/** Where messages for this app arrive. */
export function createMailbox(context: HostContext): Mailbox {
  return {
    accepts: (sender) =>
      context.grants.covers({ kind: 'message-in', otherNode: sender.node !== undefined }) !== undefined,
    take: (message) => deliverMessage(context, message)
  }
}

async function deliverMessage(context: HostContext, message: MessageEnvelope): Promise<void> {
  const { sender, topic, content, inReplyTo, reply } = message
  if (reply !== undefined) context.handles.makeRoom('message') // who replies to none keeps none for ever
  const held: HeldMessage | undefined = reply === undefined ? undefined : { reply, release: () => undefined }
  const replyHandle = held === undefined ? undefined : context.handles.add('message', 0, held)
  try {
    await context.deliver('message', { message: { replyHandle, sender, topic, content, inReplyTo } })
  } catch (error) {
    if (replyHandle !== undefined) context.handles.close(replyHandle)
    throw error
  }
}
