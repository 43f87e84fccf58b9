/** What is stored of one installed app: read whole, checked again at every start, written file by file. */
import {
  type AppGrant,
  type AppSigner,
  type SignedAppGrant,
  type VerifiedPackage,
  PackageError,
  type GrantedPermission,
  checkGrantWithin,
  currentAppGrant,
  decodeAppGrant,
  isWithin,
  readPackage,
  signAppGrant,
  verifyAppGrant
} from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Actor, type Files, FilesError } from '@blocktree/files'
import type { Id, TreeState } from '@blocktree/tree'
import { NodeError, reasonOf, systemCode } from '../node-error.ts'
import { extendsTo } from './agreed-release.ts'
import { givenBy } from './given-permissions.ts'
import { type AppPlace, appPlace, appsDirectory } from './app-place.ts'
import { type AppSeat, agreeToAll, readSeat, seatPath } from './app-seat.ts'
import { type AppState, decodeAppState, encodeAppState } from './app-state.ts'

export interface Installation {
  readonly place: AppPlace
  readonly package: VerifiedPackage
  readonly grant: AppGrant
  readonly state: AppState
  /** Of this node; undefined when the app never ran here. */
  readonly seat: AppSeat | undefined
  /** Consent on this node extends to the release that is there; false without a seat. */
  readonly isAgreed: boolean
}

export interface InstallationDeps {
  readonly crypto: CryptoProvider
  readonly files: Files
  readonly tree: TreeState
  readonly owner: Actor
}

const namePattern = /^[a-z0-9-]+$/

/** Names of installed apps, those whose installation is not whole among them. */
export async function installedNames(deps: InstallationDeps): Promise<readonly string[]> {
  const names = await listApps(deps)
  return names.filter((name) => namePattern.test(name)) // what is being removed has a dot in its name
}

/** Names of what lies where apps do, also of those that are being removed. */
export async function listApps({ files, owner }: InstallationDeps): Promise<readonly string[]> {
  if (!files.exists(owner, appsDirectory)) return []
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = await files.list(
      owner,
      appsDirectory,
      cursor === undefined ? { order: 'name' } : { order: 'name', cursor }
    )
    names.push(...page.entries.filter(({ kind }) => kind === 'directory').map(({ name }) => name))
    cursor = page.cursor
  } while (cursor !== undefined)
  return names
}

/** @throws ERR_APP_UNKNOWN, ERR_APP_DAMAGED */
export function readInstallation(deps: InstallationDeps, name: string): Installation {
  const place = appPlace(name)
  if (!namePattern.test(name) || !deps.files.exists(deps.owner, place.package)) {
    throw new NodeError('ERR_APP_UNKNOWN', `no app "${name}" is installed; "app list" shows those that are`)
  }
  try {
    const found = readVerified(deps, place.package)
    const { grant, signer } = readGrant(deps, place, found)
    const state = decodeAppState(readFile(deps, place.state), name)
    checkGrantWithin(grant, found.manifest)
    const seat = seatHere(deps, place, { grant, signer, state })
    const isAgreed = seat !== undefined && extendsTo(deps, seat.release, { place, found })
    return { place, package: found, grant, state, seat, isAgreed }
  } catch (cause) {
    if (isOnTheWay(deps, place, cause)) {
      throw new NodeError(
        'ERR_APP_ELSEWHERE',
        `app "${name}" has not come whole to this node yet (${reasonOf(cause)}); "sync status" shows what is on its way`,
        { cause }
      )
    }
    if (!(cause instanceof PackageError || cause instanceof FilesError)) throw cause
    throw new NodeError('ERR_APP_DAMAGED', `app "${name}" cannot be used: ${reasonOf(cause)}`, { cause })
  }
}

/** What was verified and is still held by somebody, by path: an app that runs holds its package. */
const verified = new WeakMap<
  Files,
  Map<string, { readonly version: Id; readonly found: WeakRef<VerifiedPackage> }>
>()

/** Hashes all of a package only when it is another version than last time. @throws PackageError */
function readVerified(deps: InstallationDeps, path: string): VerifiedPackage {
  const version = deps.files.stat(deps.owner, path).versionId
  const known = verified.get(deps.files) ?? new Map<string, never>()
  const last = known.get(path)
  const held = last !== undefined && equalBytes(last.version, version) ? last.found.deref() : undefined
  if (held !== undefined) return held
  const found = readPackage(deps.crypto, readFile(deps, path))
  verified.set(deps.files, known.set(path, { version, found: new WeakRef(found) }))
  return found
}

function readFile({ files, owner }: InstallationDeps, path: string): Uint8Array {
  return files.read(owner, path).bytes
}

/**
 * The grant in force. Of records that were written apart on two nodes one counts (page 18, section 3), with what all of
 * them grant: nothing that was taken back on either comes back by being merged.
 */
function readGrant(deps: InstallationDeps, place: AppPlace, found: VerifiedPackage): SignedAppGrant {
  const { files, owner, tree } = deps
  const { block, conflict } = files.stat(owner, place.grant)
  const heads = conflict ? (tree.blockState(block)?.heads ?? []) : []
  if (heads.length < 2) {
    const only = verifyGrant(deps, readFile(deps, place.grant))
    expectSame(found, only.grant)
    const { signer } = files.stat(owner, place.grant)
    return { ...only, grant: { ...only.grant, permissions: givenBy(deps, [signer], only.grant) } }
  }
  const signers = heads.flatMap(({ id }) => tree.header(id)?.signer ?? [])
  const read = heads.map(({ id }) => files.read(owner, place.grant, { version: id }).bytes)
  const records = read.map((bytes) => verifyGrant(deps, bytes))
  const counts = currentAppGrant(records.filter(({ grant }) => isSame(found, grant)))
  if (counts === undefined) throw otherPackage()
  const { grant } = counts
  const isInAll = (one: GrantedPermission): boolean =>
    records.every((other) => other.grant.permissions.some((its) => isSamePermission(one, its)))
  return { ...counts, grant: { ...grant, permissions: givenBy(deps, signers, grant).filter(isInAll) } }
}

/** Signed by a principal of this tree; that it may write here was judged when the file was accepted. */
function verifyGrant({ crypto, tree }: InstallationDeps, bytes: Uint8Array): SignedAppGrant {
  const { signer } = decodeAppGrant(crypto, bytes)
  const record = tree.authority.principal(signer)
  if (record === undefined)
    throw new PackageError('ERR_APP_GRANT_SIGNATURE', 'its grant is signed by a stranger')
  return verifyAppGrant(crypto, bytes, { id: signer, signingPublicKey: record.body.signingPublicKey })
}

function isSamePermission(one: GrantedPermission, other: GrantedPermission): boolean {
  return (
    one.name === other.name &&
    isWithin(one.scope, other.scope) &&
    isWithin(other.scope, one.scope) &&
    (one.object === undefined) === (other.object === undefined) &&
    (one.object === undefined ||
      other.object === undefined ||
      equalBytes(one.object.block, other.object.block))
  )
}

/** The package that is there must be the one that was granted. */
function expectSame(found: VerifiedPackage, grant: AppGrant): void {
  if (!isSame(found, grant)) throw otherPackage()
}

function isSame(found: VerifiedPackage, grant: AppGrant): boolean {
  return (
    equalBytes(found.releaseId, grant.releaseId) && equalBytes(found.manifest.module.sha256, grant.moduleHash)
  )
}

function otherPackage(): PackageError {
  return new PackageError('ERR_PACKAGE_HASH', 'the package is another one than was granted')
}

/** From before apps ran on several nodes: the node that granted is the one that it ran on. */
function seatHere(
  deps: InstallationDeps,
  place: AppPlace,
  { grant, signer, state }: { readonly grant: AppGrant; readonly signer: Id; readonly state: AppState }
): AppSeat | undefined {
  const { crypto, files, owner } = deps
  const isHome = state.wasEnabled !== undefined && !files.exists(owner, place.nodes)
  if (!isHome || !equalBytes(signer, owner.id)) return readSeat(deps, place, owner.id)
  const agreed = agreeToAll(crypto, grant)
  return { principal: grant.installation, isEnabled: state.wasEnabled ?? false, agreed, release: undefined }
}

/** A file that is not there yet, or its content: another node installed it, and writes one after another. */
function isOnTheWay({ files, owner }: InstallationDeps, place: AppPlace, cause: unknown): boolean {
  const code = systemCode(cause)
  const isAbsent = code === 'ERR_FILE_NOT_FOUND' || code === 'ERR_FILE_DAMAGED'
  return isAbsent && !equalBytes(files.stat(owner, place.directory).signer, owner.id) && !hasSeat()

  function hasSeat(): boolean {
    return files.exists(owner, seatPath(place, owner.id))
  }
}

export async function writeGrant(
  { crypto, files }: InstallationDeps,
  owner: Actor,
  place: AppPlace,
  grant: AppGrant
): Promise<AppGrant> {
  const signer: AppSigner = owner.signer
  const signed = signAppGrant(crypto, signer, grant)
  await files.create(owner, place.grant, signed.bytes, { replace: true })
  return signed.grant
}

export async function writeState(
  { files, owner }: InstallationDeps,
  place: AppPlace,
  state: Omit<AppState, 'wasEnabled'>
): Promise<void> {
  await files.create(owner, place.state, encodeAppState(state), { replace: true })
}
