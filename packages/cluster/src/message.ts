/** A message between nodes and its answer as bytes (doc/spec/27-cluster.md, section 7). */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import { appNameBytesMax, messageContentBytesMax, topicBytesMax } from './limits.ts'

export interface NodeMessage {
  /** The tree that both have in common and in whose name it is sent; its rate is counted. */
  readonly tree: Id
  /** The sending app; undefined when the node itself speaks. The sending node vouches for it. */
  readonly fromApp: string | undefined
  /** The receiving app; undefined for the node itself. */
  readonly toApp: string | undefined
  readonly topic: string
  readonly content: Uint8Array
  /** Of the sender, counted up. */
  readonly number: number
  /** Milliseconds in which a reply is awaited; undefined for none. */
  readonly replyWithinMs: number | undefined
  /** Of a reply: the number of the message that it answers. */
  readonly inReplyTo: number | undefined
}

const format = 1
const replyMsMax = 86_400_000 // a day

/** @throws ERR_MESSAGE_SIZE */
export function encodeMessage(message: NodeMessage): Uint8Array {
  const { content, topic } = message
  if (content.length > messageContentBytesMax) {
    throw new ClusterError(
      'ERR_MESSAGE_SIZE',
      `${content.length} bytes are too long for a message to another node, which takes ${messageContentBytesMax}`
    )
  }
  const writer = new CanonicalWriter(content.length + topic.length + 256).array(9).uint(format)
  writer.bin(message.tree)
  writer.optional(message.fromApp, (app) => writer.str(app))
  writer.optional(message.toApp, (app) => writer.str(app))
  writer.str(topic).bin(content).uint(message.number)
  writer.optional(message.replyWithinMs, (milliseconds) => writer.uint(milliseconds))
  return writer.optional(message.inReplyTo, (number) => writer.uint(number)).finish()
}

/** @throws ERR_MESSAGE_FORMAT */
export function decodeMessage(bytes: Uint8Array): NodeMessage {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(9)
    reader.uint(format, format)
    const message: NodeMessage = {
      tree: reader.binExact(32).slice(),
      fromApp: reader.optional(() => reader.str(appNameBytesMax)),
      toApp: reader.optional(() => reader.str(appNameBytesMax)),
      topic: reader.str(topicBytesMax),
      content: reader.bin(messageContentBytesMax).slice(),
      number: reader.uint(),
      replyWithinMs: reader.optional(() => reader.uint(replyMsMax)),
      inReplyTo: reader.optional(() => reader.uint())
    }
    reader.end()
    return message
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new ClusterError('ERR_MESSAGE_FORMAT', `the message is damaged: ${cause.message}`, { cause })
  }
}
