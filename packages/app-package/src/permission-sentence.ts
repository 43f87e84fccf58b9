/** Permissions and limits in the words that a person reads before granting them. */
import { type AppLimitName, type RequestedLimits, appLimits, formatLimit, limitNames } from './app-limits.ts'
import type { FileRight, PermissionScope } from './permission.ts'

const rightWords: Readonly<Record<FileRight, string>> = {
  read: 'read',
  write: 'change',
  create: 'add',
  list: 'list',
  remove: 'delete',
  lock: 'lock'
}

/** "May read and change files in a folder that you choose". No full stop. */
export function describePermission(scope: PermissionScope): string {
  switch (scope.kind) {
    case 'files': {
      const rights = join(scope.rights.map((right) => rightWords[right]))
      if (scope.object === 'own') return `May ${rights} files of its own`
      return `May ${rights} ${scope.object === 'file' ? 'a file' : 'files in a folder'} that you choose`
    }
    case 'messages':
      return describeMessages(scope.send, scope.receive, scope.otherNodes)
    case 'http-client':
      return scope.origins.some((origin) => /^https?:\/\/\*(:|$)/.test(origin))
        ? `May contact any server on the internet (${join(scope.origins)})`
        : `May contact ${join(scope.origins)}`
    case 'http-server': {
      const where = scope.public ? 'may be reached by everybody who reaches this node' : 'on this machine'
      const address = scope.clientAddress ? ', and learns the addresses of its visitors' : ''
      return `Answers web requests ${scope.public ? `and ${where}` : where}${address}`
    }
    case 'sockets':
      return describeSockets(scope)
  }
}

function describeMessages(send: readonly string[], receive: boolean, otherNodes: boolean): string {
  const recipients = send.includes('*') ? 'every app' : join(send.map((app) => `"${app}"`))
  const acts = [
    ...(send.length > 0 ? [`send messages to ${recipients}`] : []),
    ...(receive ? ['receive messages from apps'] : [])
  ]
  return `May ${join(acts)}${otherNodes ? ', on other nodes too' : ' on this node'}`
}

function describeSockets(scope: PermissionScope & { readonly kind: 'sockets' }): string {
  const ports =
    scope.portFirst === scope.portLast
      ? `port ${scope.portFirst}`
      : `ports ${scope.portFirst} to ${scope.portLast}`
  const host = scope.host === '*' ? 'any machine' : scope.host
  if (scope.socket === 'tcp-connect') return `May open network connections to ${host}, ${ports}`
  const address = scope.host === '*' ? 'every address of this machine' : scope.host
  if (scope.socket === 'tcp-listen') return `May accept network connections on ${address}, ${ports}`
  return `May exchange UDP packets with ${host}, ${ports}`
}

/** "May use up to 256 MiB of memory (64 MiB is usual)", "… 512 open files (64 is usual)", for each above its default. */
export function describeLimits(requested: RequestedLimits): string[] {
  return limitNames().flatMap((name) => {
    const value = requested[name]
    if (value === undefined || value <= appLimits[name].default) return []
    return [describeLimit(name, value)]
  })
}

function describeLimit(name: AppLimitName, value: number): string {
  const usual = formatLimit(name, appLimits[name].default)
  const { unit, words } = appLimits[name]
  const asked = `${formatLimit(name, value)}${unit === 'count' ? '' : ' of'} ${words}`
  return `May use up to ${asked} (${usual} is usual)`
}

function join(words: readonly string[]): string {
  const last = words.at(-1) ?? 'nothing'
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}
