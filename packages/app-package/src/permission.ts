/**
 * Permissions: what an app asks for in its manifest, each under a name and with the author's reason, and how they stand
 * in signed bytes (doc/spec/17-app-package.md, section 4). What one allows: ./permission-cover.ts; in words:
 * ./permission-sentence.ts.
 */
import { type CanonicalReader, type CanonicalWriter, compareBytes } from '@blocktree/codec'
import { checkHostPattern, checkOrigin } from './origin.ts'
import { PackageError } from './package-error.ts'
import {
  originsMax,
  permissionNameBytesMax,
  permissionsMax,
  reasonBytesMax,
  recipientsMax
} from './limits.ts'
import { checkPlainText } from './plain-text.ts'

export const fileRights = ['read', 'write', 'create', 'list', 'remove', 'lock'] as const
export type FileRight = (typeof fileRights)[number]
const fileObjects = ['own', 'folder', 'file'] as const
/** `own`: the app's own zone, under the name `data`; else something that the person chooses. */
export type FileObject = (typeof fileObjects)[number]
const socketKinds = ['tcp-connect', 'tcp-listen', 'udp'] as const
export type SocketKind = (typeof socketKinds)[number]

export interface FilesPermission {
  readonly kind: 'files'
  readonly object: FileObject
  /** In the order of `fileRights`, at least one. */
  readonly rights: readonly FileRight[]
}

export interface MessagesPermission {
  readonly kind: 'messages'
  /** Names of apps that may be written to, `*` for every one; ascending. */
  readonly send: readonly string[]
  readonly receive: boolean
  /** Also to and from apps on other nodes. */
  readonly otherNodes: boolean
}

export interface HttpClientPermission {
  readonly kind: 'http-client'
  /** `https://api.example.org`, `https://*.example.org`, `http://192.168.1.5:8080`, `https://*`; ascending. */
  readonly origins: readonly string[]
}

export interface HttpServerPermission {
  readonly kind: 'http-server'
  /** Also under a public host name, when the node has one; else only on the machine itself. */
  readonly public: boolean
  /** Tells the app the client's address. */
  readonly clientAddress: boolean
}

export interface SocketsPermission {
  readonly kind: 'sockets'
  readonly socket: SocketKind
  /** A name, an address, `*.name` or `*`; of a listener the address it binds. */
  readonly host: string
  readonly portFirst: number
  readonly portLast: number
}

/** What is allowed, without name and reason. */
export type PermissionScope =
  | FilesPermission
  | MessagesPermission
  | HttpClientPermission
  | HttpServerPermission
  | SocketsPermission
export type PermissionKind = PermissionScope['kind']

/** One row of a manifest. */
export interface Permission {
  /** Lower-case letters, digits, hyphens; of `files` the first component of the app's paths. */
  readonly name: string
  readonly scope: PermissionScope
  /** Why, in the author's words. */
  readonly reason: string
  /** The app works without it. */
  readonly optional: boolean
}

const kindCodes = { files: 1, messages: 2, 'http-client': 3, 'http-server': 4, sockets: 5 } as const
export const ownFilesName = 'data'

/** `[[name, reason, optional, kind, scope]…]`, names ascending. */
export function writePermissions(writer: CanonicalWriter, permissions: readonly Permission[]): void {
  checkPermissions(permissions)
  writer.array(permissions.length)
  for (const { name, scope, reason, optional } of permissions) {
    writer.array(5).str(name).str(reason).boolean(optional).uint(kindCodes[scope.kind])
    writeScope(writer, scope)
  }
}

export function readPermissions(reader: CanonicalReader): Permission[] {
  const count = reader.array(permissionsMax)
  const permissions: Permission[] = []
  for (let index = 0; index < count; index++) {
    reader.arrayOf(5)
    const name = reader.str(permissionNameBytesMax)
    const reason = reader.str(reasonBytesMax)
    const optional = reader.boolean()
    permissions.push({ name, reason, optional, scope: readScope(reader, reader.uint(0xff)) })
  }
  checkPermissions(permissions)
  return permissions
}

export function writeScope(writer: CanonicalWriter, scope: PermissionScope): void {
  switch (scope.kind) {
    case 'files': {
      const bits = fileRights.reduce(
        (sum, right, index) => sum + (scope.rights.includes(right) ? 2 ** index : 0),
        0
      )
      writer.array(2).uint(fileObjects.indexOf(scope.object)).uint(bits)
      return
    }
    case 'messages':
      writer.array(3)
      writeTexts(writer, scope.send)
      writer.boolean(scope.receive).boolean(scope.otherNodes)
      return
    case 'http-client':
      writer.array(1)
      writeTexts(writer, scope.origins)
      return
    case 'http-server':
      writer.array(2).boolean(scope.public).boolean(scope.clientAddress)
      return
    case 'sockets':
      writer.array(4).uint(socketKinds.indexOf(scope.socket)).str(scope.host)
      writer.uint(scope.portFirst).uint(scope.portLast)
  }
}

export function kindCode(kind: PermissionKind): number {
  return kindCodes[kind]
}

export function readScope(reader: CanonicalReader, code: number): PermissionScope {
  switch (code) {
    case kindCodes.files: {
      reader.arrayOf(2)
      const object = pick(fileObjects, reader.uint(fileObjects.length - 1))
      const bits = reader.uint(2 ** fileRights.length - 1)
      return {
        kind: 'files',
        object,
        rights: fileRights.filter((_right, index) => (bits & (2 ** index)) !== 0)
      }
    }
    case kindCodes.messages: {
      reader.arrayOf(3)
      const send = readTexts(reader, recipientsMax, 64)
      return { kind: 'messages', send, receive: reader.boolean(), otherNodes: reader.boolean() }
    }
    case kindCodes['http-client']:
      reader.arrayOf(1)
      return { kind: 'http-client', origins: readTexts(reader, originsMax, 300) }
    case kindCodes['http-server']:
      reader.arrayOf(2)
      return { kind: 'http-server', public: reader.boolean(), clientAddress: reader.boolean() }
    case kindCodes.sockets: {
      reader.arrayOf(4)
      const socket = pick(socketKinds, reader.uint(socketKinds.length - 1))
      const host = reader.str(255)
      return { kind: 'sockets', socket, host, portFirst: reader.uint(0xffff), portLast: reader.uint(0xffff) }
    }
    default:
      return fail(`permission kind ${code} is not known here: the package needs a later version`)
  }
}

function pick<T>(all: readonly T[], index: number): T {
  return all[index] ?? fail(`no case ${index}`)
}

function writeTexts(writer: CanonicalWriter, texts: readonly string[]): void {
  writer.array(texts.length)
  for (const text of texts) writer.str(text)
}

function readTexts(reader: CanonicalReader, max: number, bytesMax: number): string[] {
  const count = reader.array(max)
  return Array.from({ length: count }, () => reader.str(bytesMax))
}

/** ERR_PACKAGE_PERMISSION for rows that break a rule, are out of order or have one name. */
export function checkPermissions(permissions: readonly Permission[]): void {
  if (permissions.length > permissionsMax) {
    fail(`${permissions.length} permissions are more than ${permissionsMax}`)
  }
  let previous: string | undefined
  for (const { name, scope, reason } of permissions) {
    checkPermissionName(name)
    if (previous !== undefined && previous >= name) {
      fail(`permission "${name}" is there twice or out of order after "${previous}"`)
    }
    previous = name
    const problem = checkPlainText(reason, reasonBytesMax)
    if (problem !== undefined) fail(`the reason of permission "${name}" ${problem}`)
    checkScope(name, scope)
  }
  if (permissions.filter(({ scope }) => scope.kind === 'http-server').length > 1)
    fail('there is more than one http-server permission')
}

export function checkPermissionName(name: string): void {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= permissionNameBytesMax) return
  fail(
    `"${name}" is not a name of a permission: use up to ${permissionNameBytesMax} lower-case letters, digits and hyphens`
  )
}

export function checkScope(name: string, scope: PermissionScope): void {
  switch (scope.kind) {
    case 'files':
      if (scope.rights.length === 0) fail(`permission "${name}" has no right`)
      if ((scope.object === 'own') !== (name === ownFilesName))
        fail(
          `permission "${name}": "${ownFilesName}" is the name of the app's own files, and of nothing else`
        )
      return
    case 'messages':
      checkOrder(name, scope.send)
      for (const app of scope.send) {
        if (app !== '*' && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(app)) fail(`"${app}" is not a name of an app`)
      }
      if (scope.send.length === 0 && !scope.receive) fail(`permission "${name}" neither sends nor receives`)
      return
    case 'http-client':
      if (scope.origins.length === 0) fail(`permission "${name}" names no origin`)
      checkOrder(name, scope.origins)
      for (const origin of scope.origins) checkOrigin(origin)
      return
    case 'http-server':
      return
    case 'sockets':
      checkHostPattern(scope.host)
      if (scope.portFirst > scope.portLast) fail(`permission "${name}": the range of ports is empty`)
  }
}

const encoder = new TextEncoder()

function checkOrder(name: string, texts: readonly string[]): void {
  for (const [index, text] of texts.entries()) {
    const before = texts[index - 1]
    if (before === undefined || compareBytes(encoder.encode(before), encoder.encode(text)) < 0) continue
    fail(`permission "${name}": "${text}" is there twice or out of order`)
  }
}

function fail(message: string): never {
  throw new PackageError('ERR_PACKAGE_PERMISSION', message)
}
