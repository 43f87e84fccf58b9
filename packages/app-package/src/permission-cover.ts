/** What a permission allows: one use of it, and whether one scope lies within another. Pure data, no state. */
import { matchHost, matchOrigin, parseOrigin, type Origin } from './origin.ts'
import type { FileRight, PermissionScope, SocketKind } from './permission.ts'

/** One use, as the node has decoded and resolved it from a call. */
export type PermissionUse =
  | { readonly kind: 'files'; readonly name: string; readonly right: FileRight }
  | { readonly kind: 'message-out'; readonly app: string; readonly otherNode: boolean }
  | { readonly kind: 'message-in'; readonly otherNode: boolean }
  | { readonly kind: 'http-client'; readonly origin: Origin }
  | { readonly kind: 'http-server'; readonly public: boolean }
  | { readonly kind: 'sockets'; readonly socket: SocketKind; readonly host: string; readonly port: number }

/**
 * How a permission covers a use; undefined when it does not. `literal` where a host or origin stands in it as it is,
 * `pattern` where a `*` matched: loopback, private and link-local addresses need `literal`.
 * @param name under which the scope was granted
 */
export function covers(
  name: string,
  scope: PermissionScope,
  use: PermissionUse
): 'literal' | 'pattern' | undefined {
  switch (use.kind) {
    case 'files':
      return scope.kind === 'files' && name === use.name && scope.rights.includes(use.right)
        ? 'literal'
        : undefined
    case 'message-out':
      if (scope.kind !== 'messages' || (use.otherNode && !scope.otherNodes)) return undefined
      if (scope.send.includes(use.app)) return 'literal'
      return scope.send.includes('*') ? 'pattern' : undefined
    case 'message-in':
      return scope.kind === 'messages' && scope.receive && (scope.otherNodes || !use.otherNode)
        ? 'literal'
        : undefined
    case 'http-client':
      return scope.kind === 'http-client'
        ? best(scope.origins, (one) => matchOrigin(one, use.origin))
        : undefined
    case 'http-server':
      return scope.kind === 'http-server' && (scope.public || !use.public) ? 'literal' : undefined
    case 'sockets':
      if (scope.kind !== 'sockets' || scope.socket !== use.socket) return undefined
      return use.port >= scope.portFirst && use.port <= scope.portLast
        ? matchHost(scope.host, use.host)
        : undefined
  }
}

/** The literal match of several, else one by a pattern. */
function best(
  patterns: readonly string[],
  match: (pattern: string) => 'literal' | 'pattern' | undefined
): 'literal' | 'pattern' | undefined {
  const matches = patterns.map(match)
  return matches.includes('literal') ? 'literal' : matches.find((one) => one !== undefined)
}

/** The best answer of `covers` over all that was granted. */
export function coversAny(
  granted: readonly { readonly name: string; readonly scope: PermissionScope }[],
  use: PermissionUse
): 'literal' | 'pattern' | undefined {
  let found: 'literal' | 'pattern' | undefined
  for (const { name, scope } of granted) {
    const match = covers(name, scope, use)
    if (match === 'literal') return match
    found ??= match
  }
  return found
}

/** Whether every use that `inner` covers is covered by `outer` too, and private addresses are no easier to reach. */
export function isWithin(inner: PermissionScope, outer: PermissionScope): boolean {
  switch (inner.kind) {
    case 'files':
      return (
        outer.kind === 'files' &&
        inner.object === outer.object &&
        inner.rights.every((right) => outer.rights.includes(right))
      )
    case 'messages':
      return (
        outer.kind === 'messages' &&
        (outer.receive || !inner.receive) &&
        (outer.otherNodes || !inner.otherNodes) &&
        inner.send.every((app) => outer.send.includes(app) || outer.send.includes('*'))
      )
    case 'http-client':
      return (
        outer.kind === 'http-client' &&
        inner.origins.every((origin) => outer.origins.some((wider) => isOriginWithin(origin, wider)))
      )
    case 'http-server':
      return (
        outer.kind === 'http-server' &&
        (outer.public || !inner.public) &&
        (outer.clientAddress || !inner.clientAddress)
      )
    case 'sockets':
      return (
        outer.kind === 'sockets' &&
        inner.socket === outer.socket &&
        inner.portFirst >= outer.portFirst &&
        inner.portLast <= outer.portLast &&
        isHostWithin(inner.host, outer.host)
      )
  }
}

function isOriginWithin(inner: string, outer: string): boolean {
  const narrow = parseOrigin(inner)
  const wide = parseOrigin(outer)
  return narrow.scheme === wide.scheme && narrow.port === wide.port && isHostWithin(narrow.host, wide.host)
}

/** A literal host is only within itself: a pattern that covers it does not reach private addresses. */
function isHostWithin(inner: string, outer: string): boolean {
  if (inner === outer) return true
  if (!inner.startsWith('*')) return false
  return outer === '*' || (outer.startsWith('*.') && inner.endsWith(outer.slice(1)))
}
