/**
 * The grant of an installation: what the owner of a node allowed one installed app, signed, numbered and revocable
 * (doc/spec/18-app-grants.md). A change is a new record with the next sequence; the highest one counts. The installation
 * is a principal of its own with a cap for its own zone; the record ties both to one app, version and module.
 */
import {
  CanonicalReader,
  CanonicalWriter,
  type Envelope,
  compareBytes,
  decodeEnvelope,
  encodeEnvelope,
  equalBytes,
  signInput
} from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type RequestedLimits, appLimits, limitNames, readLimits, writeLimits } from './app-limits.ts'
import type { AppSigner, VerifiedPrincipal } from './author.ts'
import { appNameBytesMax, grantedPermissionsMax, permissionNameBytesMax, versionMax } from './limits.ts'
import { type Manifest, checkAppName } from './manifest.ts'
import { PackageError, refuseAs } from './package-error.ts'
import { isWithin } from './permission-cover.ts'
import {
  type PermissionScope,
  checkPermissionName,
  checkScope,
  kindCode,
  readScope,
  writeScope
} from './permission.ts'

/** Type and format of the envelope (doc/spec/02-envelope.md). */
const grantType = 33
const grantFormat = 1

/** What the person chose for a files permission. */
export interface ChosenObject {
  /** Id of the tree, and of the block in it. */
  readonly tree: Uint8Array
  readonly block: Uint8Array
  /** Where it was when it was chosen; for people, decides nothing. */
  readonly path: string
}

export interface GrantedPermission {
  readonly name: string
  readonly scope: PermissionScope
  /** Of `files` with the object `folder` or `file`, and of nothing else. */
  readonly object: ChosenObject | undefined
  /** Asked for at run time; else it stands in the manifest. */
  readonly asked: boolean
}

export interface AppGrant {
  readonly appId: Uint8Array
  /** Principal of the installation. */
  readonly installation: Uint8Array
  /** The name under which it is installed: host name, address of messages. */
  readonly installedAs: string
  readonly version: number
  readonly releaseId: Uint8Array
  readonly moduleHash: Uint8Array
  /** Ascending by name. */
  readonly permissions: readonly GrantedPermission[]
  /** Within what the manifest asks for. */
  readonly limits: RequestedLimits
  /** Milliseconds since 1970, a claim of the signer. */
  readonly time: number
  /** From 1; counts up with every change of this installation's grant. */
  readonly sequence: number
  /** Nothing is allowed any more. */
  readonly revoked: boolean
}

export interface SignedAppGrant {
  readonly grant: AppGrant
  /** Principal of the owner. */
  readonly signer: Uint8Array
  /** SHA-256 of the bytes under the signature. */
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

const objectPathBytesMax = 16_384
const encoder = new TextEncoder()

/** @returns the record; what its bytes say is what every reader will see */
export function signAppGrant(crypto: CryptoProvider, owner: AppSigner, grant: AppGrant): SignedAppGrant {
  const body = encodeGrant(grant)
  const unsigned = { type: grantType, format: grantFormat, signer: owner.id, body }
  const bytes = encodeEnvelope({ ...unsigned, signature: owner.key.sign(signInput(unsigned)) })
  return decodeAppGrant(crypto, bytes)
}

/** Layout only; the signature is not looked at. Views of `bytes`. ERR_PACKAGE_FORMAT, ERR_PACKAGE_FORMAT_UNKNOWN. */
export function decodeAppGrant(crypto: CryptoProvider, bytes: Uint8Array): SignedAppGrant {
  const envelope = openEnvelope(bytes)
  const grant = refuseAs('ERR_PACKAGE_FORMAT', 'the app grant', () => readGrant(envelope.body))
  return { grant, signer: envelope.signer, id: crypto.sha256(signInput(envelope)), bytes }
}

/** Decodes, and checks that `owner` signed it. ERR_APP_GRANT_SIGNATURE. */
export function verifyAppGrant(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  owner: VerifiedPrincipal
): SignedAppGrant {
  const signed = decodeAppGrant(crypto, bytes)
  const envelope = openEnvelope(bytes)
  const isOwners = equalBytes(signed.signer, owner.id)
  if (isOwners && crypto.verify(owner.signingPublicKey, signInput(envelope), envelope.signature))
    return signed
  throw new PackageError(
    'ERR_APP_GRANT_SIGNATURE',
    `the grant of "${signed.grant.installedAs}" is not signed by the owner`
  )
}

function openEnvelope(bytes: Uint8Array): Envelope {
  const envelope = refuseAs('ERR_PACKAGE_FORMAT', 'the app grant', () => decodeEnvelope(bytes))
  if (envelope.type === grantType && envelope.format === grantFormat) return envelope
  throw new PackageError(
    'ERR_PACKAGE_FORMAT_UNKNOWN',
    `a record of type ${envelope.type}, format ${envelope.format} is no app grant that is known here`
  )
}

/**
 * The record that counts: highest sequence, of two with one sequence the lower id, so that every node agrees.
 * undefined when there is none. All must be of one installation.
 */
export function currentAppGrant(records: Iterable<SignedAppGrant>): SignedAppGrant | undefined {
  let current: SignedAppGrant | undefined
  for (const record of records) {
    if (current === undefined || isLater(record, current)) current = record
  }
  return current
}

function isLater(one: SignedAppGrant, other: SignedAppGrant): boolean {
  if (one.grant.sequence !== other.grant.sequence) return one.grant.sequence > other.grant.sequence
  // A revocation wins over anything made at the same time on another node.
  if (one.grant.revoked !== other.grant.revoked) return one.grant.revoked
  return compareBytes(one.id, other.id) < 0
}

/** ERR_APP_GRANT_WIDER when more is granted than the package asks for; run-time grants are the person's own choice. */
export function checkGrantWithin(grant: AppGrant, manifest: Manifest): void {
  for (const { name, scope, asked } of grant.permissions) {
    if (asked) continue
    const requested = manifest.permissions.find((permission) => permission.name === name)
    if (requested === undefined || !isWithin(scope, requested.scope))
      wider(`permission "${name}" is not within what the package asks for`)
  }
  for (const name of limitNames()) {
    const granted = grant.limits[name]
    const most = Math.max(manifest.limits[name] ?? 0, appLimits[name].default)
    if (granted !== undefined && granted > most)
      wider(`limit ${name} of ${granted} is above the ${most} that the package asks for`)
  }
}

/** Permissions of the manifest that were not granted, those without which it does not work first. */
export function missingPermissions(grant: AppGrant, manifest: Manifest): Manifest['permissions'] {
  const names = new Set(grant.permissions.map(({ name }) => name))
  const missing = manifest.permissions.filter(({ name }) => !names.has(name))
  return [...missing.filter(({ optional }) => !optional), ...missing.filter(({ optional }) => optional)]
}

/** `[app, installation, name, version, release, module, permissions, limits, time, sequence, revoked]`. */
function encodeGrant(grant: AppGrant): Uint8Array {
  checkGrant(grant)
  const writer = new CanonicalWriter(1024).array(11)
  writer.bin(grant.appId).bin(grant.installation).str(grant.installedAs)
  writer.uint(grant.version).bin(grant.releaseId).bin(grant.moduleHash)
  writer.array(grant.permissions.length)
  for (const { name, scope, object, asked } of grant.permissions) {
    writer.array(5).str(name).boolean(asked).uint(kindCode(scope.kind))
    writeScope(writer, scope)
    writer.optional(object, ({ tree, block, path }) => writer.array(3).bin(tree).bin(block).str(path))
  }
  writeLimits(writer, grant.limits)
  return writer.uint(grant.time).uint(grant.sequence).boolean(grant.revoked).finish()
}

function readGrant(bytes: Uint8Array): AppGrant {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(11)
  const appId = reader.binExact(32)
  const installation = reader.binExact(32)
  const installedAs = reader.str(appNameBytesMax)
  const version = reader.uint(versionMax, 1)
  const releaseId = reader.binExact(32)
  const moduleHash = reader.binExact(32)
  const permissions = Array.from({ length: reader.array(grantedPermissionsMax) }, () => readGranted(reader))
  const limits = readLimits(reader)
  const time = reader.uint()
  const sequence = reader.uint()
  const revoked = reader.boolean()
  reader.end()
  const grant: AppGrant = {
    ...{ appId, installation, installedAs, version, releaseId, moduleHash },
    ...{ permissions, limits, time, sequence, revoked }
  }
  checkGrant(grant)
  return grant
}

function readGranted(reader: CanonicalReader): GrantedPermission {
  reader.arrayOf(5)
  const name = reader.str(permissionNameBytesMax)
  const asked = reader.boolean()
  const scope = readScope(reader, reader.uint(0xff))
  const object = reader.optional((): ChosenObject => {
    reader.arrayOf(3)
    return { tree: reader.binExact(32), block: reader.binExact(32), path: reader.str(objectPathBytesMax) }
  })
  return { name, scope, object, asked }
}

function checkGrant(grant: AppGrant): void {
  checkAppName(grant.installedAs)
  if (grant.sequence < 1) refuse(`sequence ${grant.sequence} is below 1`)
  if (grant.version < 1 || grant.version > versionMax) refuse(`version ${grant.version} is out of bounds`)
  if (grant.permissions.length > grantedPermissionsMax)
    refuse(`${grant.permissions.length} permissions are more than ${grantedPermissionsMax}`)
  if (grant.revoked && grant.permissions.length > 0) refuse('it is revoked and still allows something')
  let previous: string | undefined
  for (const granted of grant.permissions) {
    if (previous !== undefined && previous >= granted.name)
      refuse(`permission "${granted.name}" is there twice or out of order`)
    previous = granted.name
    checkGranted(granted)
  }
}

function checkGranted({ name, scope, object, asked }: GrantedPermission): void {
  checkPermissionName(name)
  checkScope(name, scope)
  const isChosen = scope.kind === 'files' && scope.object !== 'own'
  if (isChosen !== (object !== undefined))
    refuse(`permission "${name}" ${isChosen ? 'names no object' : 'has an object where none belongs'}`)
  if (asked && !isChosen) refuse(`permission "${name}" cannot be asked for at run time`)
  if (object !== undefined && encoder.encode(object.path).length > objectPathBytesMax)
    refuse(`the path of permission "${name}" is longer than ${objectPathBytesMax} bytes`)
}

function refuse(problem: string): never {
  throw new PackageError('ERR_PACKAGE_FORMAT', `the app grant: ${problem}`)
}

function wider(problem: string): never {
  throw new PackageError('ERR_APP_GRANT_WIDER', problem)
}
