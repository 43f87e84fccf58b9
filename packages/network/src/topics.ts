/** Messages on topics to many peers at once, over gossipsub: best effort, in no order, perhaps not at all. */
import type { GossipSub, GossipsubMessage } from '@libp2p/gossipsub'
import { topicBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'
import { parsePeerId } from './peer-id.ts'
import type { TransportKey } from './port.ts'

export interface Topics {
  /**
   * Sends to those who have subscribed, and to nobody when none is known.
   * Throws `ERR_NETWORK_TOO_LONG` above 64 KiB.
   */
  publish(topic: string, body: Uint8Array): Promise<void>
  /** @param listener is told who signed the message, which is not always who passed it on */
  subscribe(topic: string, listener: (from: TransportKey, body: Uint8Array) => void): () => void
}

export function createTopics(gossipsub: GossipSub): Topics {
  return {
    async publish(topic, body) {
      if (body.length > topicBytesMax) {
        throw new NetworkError(
          'ERR_NETWORK_TOO_LONG',
          `message of ${body.length} bytes on "${topic}"; at most ${topicBytesMax}`
        )
      }
      await gossipsub.publish(topic, body)
    },
    subscribe(topic, listener) {
      const receive = ({ detail: { msg } }: CustomEvent<GossipsubMessage>): void => {
        if (msg.topic !== topic || msg.type !== 'signed' || msg.from.type !== 'Ed25519') return
        if (msg.data.length <= topicBytesMax) {
          listener(parsePeerId(msg.from.toString()), Uint8Array.from(msg.data)) // the library gives a Buffer
        }
      }
      gossipsub.addEventListener('gossipsub:message', receive)
      gossipsub.subscribe(topic)
      return () => {
        gossipsub.removeEventListener('gossipsub:message', receive)
        gossipsub.unsubscribe(topic)
      }
    }
  }
}
