/** The messages of apps to and from other nodes: between the switch of this node's apps and the exchange of messages. */
import type { Host } from '@blocktree/app-package'
import { HostFailure, type MessageEnvelope, type MessageSwitch, type RemoteMessages } from '@blocktree/apps'
import { ClusterError, limits, type MessageExchange, type ReceivedMessage } from '@blocktree/cluster'
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'

const replyMsMax = 86_400_000 // a day; the switch knows the time that the app named

export interface AppMessagesDeps {
  /** The tree in whose name a node is spoken with. */
  readonly treeFor: (node: Id) => Id
  /** Loads the cluster when it is asked for. */
  readonly exchange: () => Promise<MessageExchange>
  /** Loads the apps when a message comes. */
  readonly apps: () => Promise<MessageSwitch>
}

interface Awaited {
  readonly node: Id
  readonly reply: (content: Uint8Array) => void
}

export class AppMessages implements RemoteMessages {
  readonly #deps: AppMessagesDeps
  readonly #awaited = new Map<number, Awaited>()
  #number = 0

  constructor(deps: AppMessagesDeps) {
    this.#deps = deps
  }

  /** Rejects with a HostFailure. */
  async send(recipient: Host.Address, message: MessageEnvelope): Promise<void> {
    const { node, app } = recipient
    if (node === undefined) throw new HostFailure('invalid', 'no node is named')
    const { sender, topic, content, reply } = message
    const number = ++this.#number
    if (reply !== undefined) this.#await(number, { node, reply })
    try {
      const exchange = await this.#deps.exchange()
      await exchange.send(node, {
        tree: this.#deps.treeFor(node),
        fromApp: sender.app,
        toApp: app,
        topic,
        content,
        number,
        replyWithinMs: reply === undefined ? undefined : replyMsMax
      })
    } catch (error) {
      this.#awaited.delete(number)
      throw hostFailure(error)
    }
  }

  /** A message of another node for an app here. @throws ERR_MESSAGE_* */
  async take(message: ReceivedMessage): Promise<void> {
    if (message.inReplyTo !== undefined) return this.#takeReply(message, message.inReplyTo)
    const { from, fromApp, toApp = '', number, topic, content, reply } = message
    const apps = await this.#deps.apps()
    try {
      await apps.send(
        { node: undefined, app: toApp },
        {
          number,
          sender: { node: from, app: fromApp ?? '' },
          topic,
          content,
          inReplyTo: undefined,
          reply: reply === undefined ? undefined : (answer) => void reply(answer).catch(() => undefined)
        }
      )
    } catch (error) {
      throw clusterError(error)
    }
  }

  /** From the node that was asked, and once. */
  #takeReply({ from, content }: ReceivedMessage, number: number): void {
    const awaited = this.#awaited.get(number)
    if (awaited === undefined || !equalBytes(awaited.node, from))
      throw new ClusterError('ERR_MESSAGE_UNREACHABLE', 'nobody here waits for that reply')
    this.#awaited.delete(number)
    try {
      awaited.reply(content)
    } catch (error) {
      throw clusterError(error)
    }
  }

  /** The oldest are forgotten: a reply is no promise. */
  #await(number: number, awaited: Awaited): void {
    this.#awaited.set(number, awaited)
    if (this.#awaited.size <= limits.repliesAwaitedMax) return
    const [oldest] = this.#awaited.keys()
    if (oldest !== undefined) this.#awaited.delete(oldest)
  }
}

function hostFailure(error: unknown): HostFailure {
  if (!(error instanceof ClusterError)) {
    const reason = error instanceof Error ? error.message : 'unknown'
    return new HostFailure('unreachable', `the node cannot be reached: ${reason}`, { cause: error })
  }
  const { message } = error
  switch (error.code) {
    case 'ERR_MESSAGE_DENIED':
      return new HostFailure('denied', message, { cause: error })
    case 'ERR_MESSAGE_BUSY':
      return new HostFailure('busy', message, { cause: error })
    case 'ERR_MESSAGE_SIZE':
      return new HostFailure('too-large', message, { cause: error })
    case 'ERR_MESSAGE_TIMEOUT':
      return new HostFailure('timeout', message, { cause: error })
    default:
      return new HostFailure('unreachable', message, { cause: error })
  }
}

function clusterError(error: unknown): ClusterError {
  if (!(error instanceof HostFailure))
    return new ClusterError('ERR_MESSAGE_UNREACHABLE', 'the app cannot take it', { cause: error })
  const { failure, message } = error
  const code =
    failure === 'denied'
      ? 'ERR_MESSAGE_DENIED'
      : failure === 'busy'
        ? 'ERR_MESSAGE_BUSY'
        : 'ERR_MESSAGE_UNHEARD'
  return new ClusterError(code, message, { cause: error })
}
