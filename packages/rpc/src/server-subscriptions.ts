/** The subscriptions of one connection: a bounded number, each with a number of its own. */
import type { Framing } from './schema.ts'
import { subscriptionsMax } from './limits.ts'
import type { AnyMethod } from './method-table.ts'
import { RpcError } from './rpc-error.ts'
import { ServerSubscription, type SubscriptionOwner } from './server-subscription.ts'

export class ServerSubscriptions implements Iterable<ServerSubscription> {
  readonly #byId = new Map<number, ServerSubscription>()
  #last = 0

  /** @throws ERR_RPC_SUBSCRIPTION when there are as many as there may be */
  add(method: AnyMethod, owner: SubscriptionOwner, framing: Framing): ServerSubscription {
    if (this.#byId.size >= subscriptionsMax) {
      throw new RpcError(
        'ERR_RPC_SUBSCRIPTION',
        `a connection may have ${subscriptionsMax} subscriptions; end one first`
      )
    }
    const subscription = new ServerSubscription(++this.#last, owner, (event) =>
      method.event?.carriesBytes === true ? method.event.write(event, framing) : event
    )
    this.#byId.set(subscription.id, subscription)
    return subscription
  }

  /** @throws ERR_RPC_SUBSCRIPTION when it is none of this connection */
  close(id: unknown): void {
    const subscription = typeof id === 'number' ? this.#byId.get(id) : undefined
    if (subscription === undefined)
      throw new RpcError('ERR_RPC_SUBSCRIPTION', `no subscription ${String(id)} on this connection`)
    subscription.close()
  }

  ended(id: number): void {
    this.#byId.delete(id)
  }

  [Symbol.iterator](): Iterator<ServerSubscription> {
    return this.#byId.values()
  }
}
