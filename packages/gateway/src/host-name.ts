/**
 * Which app a Host header means. Each app has an origin of its own: `notes.localhost`, `notes.<public name>`, or a
 * name given to it alone. Any other host is refused, so that no page of another site can reach an app by pointing
 * its own name at this machine (DNS rebinding).
 */
import { GatewayError } from './gateway-error.ts'
import { appNameCharactersMax, hostNamesRemembered } from './limits.ts'

export interface HostRules {
  /** Apps answer at `<app>.<public name>` too. */
  readonly publicName?: string | undefined
  /** Whole host names of single apps: `{ 'notes.example.org': 'notes' }`. */
  readonly names?: Readonly<Record<string, string>> | undefined
}

export type Destination =
  | (DestinationFacts<'app'> & { readonly name: string })
  /** The gateway itself: `localhost`, `127.0.0.1`, `[::1]`, the public name. */
  | DestinationFacts<'gateway'>

interface DestinationFacts<Kind> {
  readonly kind: Kind
  /** The name is one that only this machine has. */
  readonly isThisMachine: boolean
  readonly authority: string
}

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const appName = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/
const hostAndPort = /^([a-z0-9.-]{1,253}|\[::1\])(?::([0-9]{1,5}))?$/

/** True for what may stand as the first label of an app's host name. */
export function isAppName(text: string): boolean {
  return text.length <= appNameCharactersMax && appName.test(text)
}

export class HostNames {
  readonly #publicName: string | undefined
  readonly #names: ReadonlyMap<string, string>
  readonly #remembered = new Map<string, Destination>()

  /** @throws ERR_GATEWAY_HOST_RULE */
  constructor(rules: HostRules) {
    this.#publicName = rules.publicName === undefined ? undefined : checkedHost(rules.publicName)
    this.#names = new Map(Object.entries(rules.names ?? {}).map(([host, app]) => checkedName(host, app)))
  }

  /** undefined for a host that is nobody's here, and for what is no host. */
  destination(host: string): Destination | undefined {
    const remembered = this.#remembered.get(host)
    if (remembered !== undefined) return remembered
    const found = this.#parse(host)
    if (found === undefined) return undefined // strangers' names are not worth memory
    if (this.#remembered.size >= hostNamesRemembered) this.#remembered.clear()
    this.#remembered.set(host, found)
    return found
  }

  #parse(host: string): Destination | undefined {
    const authority = host.toLowerCase()
    const [, name, port] = hostAndPort.exec(authority) ?? []
    if (name === undefined || (port !== undefined && Number(port) > 65_535)) return undefined
    const given = this.#names.get(name)
    if (given !== undefined) return { kind: 'app', name: given, isThisMachine: false, authority }
    const isThisMachine = name === 'localhost' || name === '127.0.0.1' || name === '[::1]'
    if (isThisMachine || name === this.#publicName) return { kind: 'gateway', isThisMachine, authority }
    const app = this.#firstLabel(name)
    if (app === undefined || !isAppName(app)) return undefined
    return { kind: 'app', name: app, isThisMachine: name.endsWith('.localhost'), authority }
  }

  #firstLabel(name: string): string | undefined {
    for (const parent of ['localhost', this.#publicName]) {
      if (parent !== undefined && name.endsWith(`.${parent}`)) return name.slice(0, -parent.length - 1)
    }
    return undefined
  }
}

function checkedHost(host: string): string {
  const name = host.toLowerCase()
  if (name.length > 253 || !name.split('.').every((part) => label.test(part))) {
    throw new GatewayError(
      'ERR_GATEWAY_HOST_RULE',
      `"${host}" is not a host name; write one like example.org`
    )
  }
  return name
}

function checkedName(host: string, app: string): readonly [string, string] {
  if (!isAppName(app)) {
    throw new GatewayError(
      'ERR_GATEWAY_HOST_RULE',
      `host name "${host}" leads to "${app}", which is no app name`
    )
  }
  return [checkedHost(host), app]
}
