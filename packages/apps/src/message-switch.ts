/**
 * Messages between the apps of one node, and through a port to those of others. Delivered at most once; who cannot take
 * more is busy, and who sends is told (doc/spec/22-app-host.md, section 4). One switch for all apps of a node.
 */
import type { Host } from '@blocktree/app-package'
import { fail } from './host-failure.ts'
import { messagesQueued } from './limits.ts'

export interface MessageEnvelope {
  /** Of the sending app, counted up. */
  readonly number: number
  readonly sender: Host.Address
  readonly topic: string
  readonly content: Uint8Array
  /** Of a reply. */
  readonly inReplyTo: number | undefined
  /** Absent when no reply is awaited. */
  readonly reply: ((content: Uint8Array) => void) | undefined
}

export interface Mailbox {
  /** False when its grants do not let it take messages of this sender. */
  accepts(sender: Host.Address): boolean
  /** Resolves when the app has handled it, however that went. */
  take(message: MessageEnvelope): Promise<void>
}

export interface RemoteMessages {
  /** Rejects with a HostFailure. */
  send(recipient: Host.Address, message: MessageEnvelope): Promise<void>
}

export class MessageSwitch {
  readonly #mailboxes = new Map<string, { readonly mailbox: Mailbox; waiting: number; turn: Promise<void> }>()
  readonly #remote: RemoteMessages | undefined

  constructor(remote?: RemoteMessages) {
    this.#remote = remote
  }

  /** From now on messages to `app` go there; the returned function ends it. */
  connect(app: string, mailbox: Mailbox): () => void {
    const entry = { mailbox, waiting: 0, turn: Promise.resolve() }
    this.#mailboxes.set(app, entry)
    return () => {
      if (this.#mailboxes.get(app) === entry) this.#mailboxes.delete(app)
    }
  }

  /**
   * Queues it. Fails with `unreachable` when no such app runs here, `denied` when it does not take it, `busy` when too
   * many wait.
   */
  async send(recipient: Host.Address, message: MessageEnvelope): Promise<void> {
    if (recipient.node !== undefined) {
      if (this.#remote === undefined) fail('unreachable', 'this node has no connection to others')
      return await this.#remote.send(recipient, message)
    }
    const entry = this.#mailboxes.get(recipient.app)
    if (entry === undefined) return fail('unreachable', `no app "${recipient.app}" runs on this node`)
    if (!entry.mailbox.accepts(message.sender))
      fail('denied', `"${recipient.app}" takes no messages of this sender`)
    if (entry.waiting >= messagesQueued)
      fail('busy', `${messagesQueued} messages wait for "${recipient.app}"`)
    entry.waiting += 1
    entry.turn = entry.turn
      .then(() => entry.mailbox.take(message))
      .catch(() => undefined)
      .finally(() => (entry.waiting -= 1))
  }
}
