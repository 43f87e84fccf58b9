/** What the gateway answers by itself under its own host names: `/healthz` for anyone, `/metrics` for this machine. */
import type { Exchange } from './exchange.ts'

export interface OwnFacts {
  /** What keeps the node from being healthy; empty when nothing does. */
  readonly ailments: () => readonly string[]
  readonly metricsText: () => string
}

/** @param destination `isThisMachine`: the request used a name that only this machine has */
export function answerOwn(
  exchange: Exchange,
  destination: { readonly isThisMachine: boolean },
  facts: OwnFacts
): void {
  const { method } = exchange.message
  if (method !== 'GET' && method !== 'HEAD') {
    exchange.refuse(405, 'ERR_METHOD', 'only GET and HEAD are for this', ['allow', 'GET, HEAD'])
    return
  }
  switch (exchange.target?.decodedPath) {
    case '/healthz': {
      const isHealthy = facts.ailments().length === 0
      exchange.sendText(isHealthy ? 200 : 503, isHealthy ? 'ok\n' : 'not well: see the log of the node\n')
      return
    }
    case '/metrics':
      // A proxy on this machine connects from here for strangers; what they ask for has the public name.
      if (!isPublic(exchange, destination)) exchange.sendText(200, facts.metricsText())
      else exchange.refuse(403, 'ERR_METRICS_REMOTE', 'metrics are for this machine only')
      return
    default:
      exchange.refuse(404, 'ERR_PATH_UNKNOWN', 'apps answer under names of their own, like notes.localhost')
  }
}

/** True unless it came from this machine, and under a name that only this machine has. */
export function isPublic(exchange: Exchange, destination: { readonly isThisMachine: boolean }): boolean {
  return !destination.isThisMachine || !isLocal(exchange.message.socket.remoteAddress)
}

function isLocal(address: string | undefined): boolean {
  if (address === undefined) return false
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}
