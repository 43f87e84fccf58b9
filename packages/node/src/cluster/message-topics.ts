/**
 * Programs on this machine that take messages to this node: one for each topic, over its connection to the node. What
 * was taken waits for the program in a bounded number; it makes room by answering or by saying that it is done with a
 * message. Nothing is kept for a program that is not there, and nothing is given to a second one.
 */
import type { ReceivedMessage } from '@blocktree/cluster' // types alone: a node without others does not load it
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { topicListenersMax, topicMessageBytesMax, topicMessagesMax } from '../limits.ts'
import { NodeError } from '../node-error.ts'

/** Answered by the node itself. */
const ownTopics: ReadonlySet<string> = new Set(['ping'])

/** Why a message was not taken. */
export type Untaken = 'nobody listens' | 'another tree' | 'too many wait'

/** A message as the program gets it. */
export interface HeldMessage {
  /** For `reply` and `done`; counted up over all topics. */
  readonly number: number
  readonly message: ReceivedMessage
}

export interface Listening {
  readonly topic: string
  /** Messages in the name of another tree are refused; of all trees when absent. */
  readonly tree?: Id | undefined
  /** Never waits. */
  readonly onMessage: (held: HeldMessage) => void
}

interface Listener extends Listening {
  readonly held: Set<number>
  heldBytes: number
}

interface Held extends HeldMessage {
  readonly listener: Listener
}

export class MessageTopics {
  readonly #listeners = new Map<string, Listener>()
  readonly #held = new Map<number, Held>()
  #number = 0

  /** @returns a function that ends it. @throws ERR_TOPIC_TAKEN */
  listen(listening: Listening): () => void {
    const { topic } = listening
    if (ownTopics.has(topic) || this.#listeners.has(topic)) {
      const whose = ownTopics.has(topic) ? 'the node itself' : 'another program'
      throw new NodeError('ERR_TOPIC_TAKEN', `${whose} takes the messages of the topic "${topic}"`)
    }
    if (this.#listeners.size >= topicListenersMax)
      throw new NodeError(
        'ERR_TOPIC_TAKEN',
        `programs listen to ${topicListenersMax} topics already; end one first`
      )
    const listener: Listener = { ...listening, held: new Set(), heldBytes: 0 }
    this.#listeners.set(topic, listener)
    return () => {
      if (this.#listeners.get(topic) === listener) this.#listeners.delete(topic)
      for (const number of listener.held) this.#held.delete(number)
    }
  }

  /** @returns why not; undefined when a program has it */
  take(message: ReceivedMessage): Untaken | undefined {
    const listener = this.#listeners.get(message.topic)
    if (listener === undefined) return 'nobody listens'
    if (listener.tree !== undefined && !equalBytes(listener.tree, message.tree)) return 'another tree'
    const bytes = message.content.length
    if (listener.held.size >= topicMessagesMax || listener.heldBytes + bytes > topicMessageBytesMax)
      return 'too many wait'
    const held = { number: ++this.#number, message, listener }
    listener.held.add(held.number)
    listener.heldBytes += bytes
    this.#held.set(held.number, held)
    listener.onMessage(held)
    return undefined
  }

  /** Makes room; without effect when it was done already. */
  done(number: number): void {
    const held = this.#held.get(number)
    if (held === undefined) return
    this.#held.delete(number)
    held.listener.held.delete(number)
    held.listener.heldBytes -= held.message.content.length
  }

  /** Answers it, which makes room too. @throws ERR_MESSAGE_UNKNOWN, and what keeps the answer from the sender */
  async reply(number: number, content: Uint8Array): Promise<void> {
    const held = this.#held.get(number)
    this.done(number)
    if (held?.message.reply === undefined) {
      throw new NodeError(
        'ERR_MESSAGE_UNKNOWN',
        held === undefined
          ? `no message ${number} waits here: it was answered or finished, or its listener has ended`
          : `nobody waits for an answer to message ${number}`
      )
    }
    await held.message.reply(content)
  }
}
