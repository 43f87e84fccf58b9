/**
 * `app.json`, the manifest as an author writes it. Everything in it ends up signed; hashes, sizes and the author's id
 * are added by `packApp`. Unknown fields are refused, so that a typing error is not a permission that nobody asked for.
 */
import { type RequestedLimits, isLimitName } from './app-limits.ts'
import { compareBytes } from '@blocktree/codec'
import type { ManifestDraft } from './pack-app.ts'
import { PackageError } from './package-error.ts'
import {
  type FileRight,
  type Permission,
  type PermissionScope,
  type SocketKind,
  fileRights
} from './permission.ts'
import type { Route, RouteTarget } from './route.ts'

export interface ManifestSource {
  readonly draft: ManifestDraft
  /** Path of the module and directory of the assets, relative to app.json; the directory is absent when there is none. */
  readonly module: string
  readonly assets: string | undefined
  /** Command that builds the module, for `blocktree app build`. */
  readonly build: string | undefined
}

const sourceBytesMax = 256 * 1024 // far above what a manifest can hold

/** @throws PackageError ERR_PACKAGE_SOURCE with the field that is wrong */
export function parseManifestSource(text: string): ManifestSource {
  if (text.length > sourceBytesMax) fail('app.json', `has more than ${sourceBytesMax} characters`)
  const root = new Fields(parseJson(text), 'app.json')
  const draft: ManifestDraft = {
    name: root.text('name'),
    version: root.number('version'),
    versionText:
      root.optional('versionText', () => root.text('versionText')) ?? String(root.number('version')),
    minUpgradableVersion:
      root.optional('minUpgradableVersion', () => root.number('minUpgradableVersion')) ?? 0,
    permissions: sorted(root.rows('permissions', readPermission), ({ name }) => name),
    limits: root.optional('limits', () => readLimitFields(root.object('limits'))) ?? {},
    routes: sorted(root.rows('routes', readRoute), ({ path }) => path),
    title: root.text('title'),
    description: root.text('description'),
    licence: root.text('licence'),
    icon: root.optional('icon', () => root.text('icon'))
  }
  const source: ManifestSource = {
    draft,
    module: root.text('module'),
    assets: root.optional('assets', () => root.text('assets')),
    build: root.optional('build', () => root.text('build'))
  }
  root.end()
  return source
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PackageError('ERR_PACKAGE_SOURCE', `app.json is not JSON: ${reason}`, { cause })
  }
}

function readPermission(row: Fields): Permission {
  const permission = {
    name: row.text('name'),
    reason: row.text('reason'),
    optional: row.optional('optional', () => row.boolean('optional')) ?? false,
    scope: readScope(row)
  }
  row.end()
  return permission
}

function readScope(row: Fields): PermissionScope {
  const kind = row.text('kind')
  switch (kind) {
    case 'files': {
      const object = row.choice('object', ['own', 'folder', 'file'])
      const rights = row.texts('rights').map((right): FileRight => row.among('rights', right, fileRights))
      return { kind, object, rights: fileRights.filter((right) => rights.includes(right)) }
    }
    case 'messages':
      return {
        kind,
        send: unique(row.optional('send', () => row.texts('send')) ?? []),
        receive: row.flag('receive'),
        otherNodes: row.flag('otherNodes')
      }
    case 'http-client':
      return { kind, origins: unique(row.texts('origins')) }
    case 'http-server':
      return { kind, public: row.flag('public'), clientAddress: row.flag('clientAddress') }
    case 'sockets': {
      const socket: SocketKind = row.choice('socket', ['tcp-connect', 'tcp-listen', 'udp'])
      const portFirst = row.number('port')
      const portLast = row.optional('portLast', () => row.number('portLast')) ?? portFirst
      return { kind, socket, host: row.text('host'), portFirst, portLast }
    }
    default:
      return row.refuse('kind', `"${kind}" is not files, messages, http-client, http-server or sockets`)
  }
}

function readRoute(row: Fields): Route {
  const path = row.text('path')
  const directory = row.optional('assets', () => row.string('assets'))
  const index = row.optional('index', () => row.text('index'))
  row.end()
  const target: RouteTarget = directory === undefined ? { kind: 'app' } : { kind: 'assets', directory, index }
  return { path, target }
}

function readLimitFields(fields: Fields): RequestedLimits {
  const limits: Record<string, number> = {}
  for (const name of fields.names()) {
    if (!isLimitName(name)) fields.refuse(name, 'is not a limit')
    limits[name] = fields.number(name)
  }
  return limits
}

/** Text order is not byte order above U+FFFF; signed bytes want the latter. */
function sorted<T>(items: readonly T[], key: (item: T) => string): T[] {
  const encoder = new TextEncoder()
  return [...items].sort((one, other) => compareBytes(encoder.encode(key(one)), encoder.encode(key(other))))
}

function unique(texts: readonly string[]): string[] {
  return sorted([...new Set(texts)], (text) => text)
}

function fail(field: string, problem: string): never {
  throw new PackageError('ERR_PACKAGE_SOURCE', `${field} ${problem}`)
}

/** The fields of one JSON object; `end` refuses those that nobody asked for. */
class Fields {
  readonly #values: ReadonlyMap<string, unknown>
  readonly #where: string
  readonly #used = new Set<string>()

  constructor(value: unknown, where: string) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) fail(where, 'is not an object')
    this.#values = new Map(Object.entries(value ?? {}))
    this.#where = where
  }

  names(): string[] {
    return [...this.#values.keys()]
  }

  optional<T>(name: string, read: () => T): T | undefined {
    return this.#values.has(name) ? read() : undefined
  }

  text(name: string): string {
    const text = this.string(name)
    return text === '' ? this.refuse(name, 'is empty') : text
  }

  string(name: string): string {
    const value = this.#get(name)
    return typeof value === 'string' ? value : this.refuse(name, 'is not a text')
  }

  number(name: string): number {
    const value = this.#get(name)
    const isNumber = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    return isNumber ? value : this.refuse(name, 'is not a whole number from 0 up')
  }

  boolean(name: string): boolean {
    const value = this.#get(name)
    return typeof value === 'boolean' ? value : this.refuse(name, 'is not true or false')
  }

  /** False when absent. */
  flag(name: string): boolean {
    return this.optional(name, () => this.boolean(name)) ?? false
  }

  texts(name: string): string[] {
    return this.#array(name).map((item) =>
      typeof item === 'string' ? item : this.refuse(name, 'holds something that is not a text')
    )
  }

  choice<T extends string>(name: string, all: readonly T[]): T {
    return this.among(name, this.text(name), all)
  }

  among<T extends string>(name: string, text: string, all: readonly T[]): T {
    return all.find((one) => one === text) ?? this.refuse(name, `"${text}" is not one of ${all.join(', ')}`)
  }

  object(name: string): Fields {
    return new Fields(this.#get(name), `${this.#where}, ${name}`)
  }

  /** Empty when absent. */
  rows<T>(name: string, read: (row: Fields) => T): T[] {
    if (!this.#values.has(name)) return []
    return this.#array(name).map((item, index) => read(new Fields(item, `${this.#where}, ${name}[${index}]`)))
  }

  end(): void {
    for (const name of this.#values.keys()) {
      if (!this.#used.has(name)) this.refuse(name, 'is not a field of app.json')
    }
  }

  refuse(name: string, problem: string): never {
    return fail(`${this.#where}: ${name}`, problem)
  }

  #array(name: string): unknown[] {
    const value: unknown = this.#get(name)
    return Array.isArray(value) ? value : this.refuse(name, 'is not a list')
  }

  #get(name: string): unknown {
    this.#used.add(name)
    return this.#values.has(name) ? this.#values.get(name) : this.refuse(name, 'is missing')
  }
}
