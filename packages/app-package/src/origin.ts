/**
 * Origins that an app may reach, in one spelling: `https://host[:port]`, lower case, default port left out; the host a
 * name, an address, `*.name` (every name below) or `*`. Only a host that stands literally allows a private address.
 */
import { PackageError } from './package-error.ts'

const label = '[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?'
const hostName = new RegExp(`^${label}(\\.${label})*$`)
const originPattern = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9_.*-]+)(?::([1-9][0-9]{0,4}))?$/
const defaultPorts = { http: 80, https: 443 } as const

export interface Origin {
  readonly scheme: 'http' | 'https'
  /** Lower case; an IPv6 address in brackets. */
  readonly host: string
  readonly port: number
}

/** The parts of an origin or a pattern of origins; ERR_PACKAGE_PERMISSION for another spelling. */
export function parseOrigin(text: string): Origin {
  const [, schemeText, host, portText] = originPattern.exec(text) ?? []
  if (host === undefined) return fail(text, 'write `https://host` or `https://host:port`')
  const scheme = schemeText === 'http' ? 'http' : 'https'
  const port = portText === undefined ? defaultPorts[scheme] : Number(portText)
  if (port > 0xffff) fail(text, 'the port is above 65535')
  if (portText !== undefined && port === defaultPorts[scheme]) fail(text, 'leave the default port out')
  checkHostPattern(host)
  return { scheme, host, port }
}

export function checkOrigin(text: string): void {
  parseOrigin(text)
}

/** ERR_PACKAGE_PERMISSION when this is not a host name, an address, `*.name` or `*`, in its one spelling. */
export function checkHostPattern(host: string): void {
  if (host === '*') return
  if (host.startsWith('[') || /^[0-9.]+$/.test(host)) {
    // The URL parser has one spelling of every address; another one may hide which address is meant.
    const spelled = URL.parse(`http://${host}/`)?.hostname
    if (spelled !== host) fail(host, `the address is written ${spelled ?? 'otherwise'}`)
    return
  }
  const name = host.startsWith('*.') ? host.slice(2) : host
  if (name.length <= 253 && hostName.test(name) && !/(^|\.)(0x[0-9a-f]*|[0-9]+)$/.test(name)) return
  fail(host, 'it is not a host name in lower case, an address, `*.name` or `*`')
}

/**
 * Whether a pattern covers a host.
 * @returns `literal` when the pattern names just this host, `pattern` for `*` and `*.name`; undefined when not covered
 */
export function matchHost(pattern: string, host: string): 'literal' | 'pattern' | undefined {
  if (pattern === host) return 'literal'
  if (pattern === '*') return 'pattern'
  // An address is no name below anything.
  if (!pattern.startsWith('*.') || /^[0-9.]+$/.test(host) || host.startsWith('[')) return undefined
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 ? 'pattern' : undefined
}

/** @see matchHost; scheme and port must be the same */
export function matchOrigin(pattern: string, origin: Origin): 'literal' | 'pattern' | undefined {
  const { scheme, host, port } = parseOrigin(pattern)
  return scheme === origin.scheme && port === origin.port ? matchHost(host, origin.host) : undefined
}

function fail(text: string, problem: string): never {
  throw new PackageError(
    'ERR_PACKAGE_PERMISSION',
    `${JSON.stringify(text)} is not an origin or host: ${problem}`
  )
}
