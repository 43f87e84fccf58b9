/** What is stored of one installed app: read whole, checked again at every start, written file by file. */
import {
  type AppGrant,
  type AppSigner,
  type SignedAppGrant,
  type VerifiedPackage,
  PackageError,
  checkGrantWithin,
  decodeAppGrant,
  readPackage,
  signAppGrant,
  verifyAppGrant
} from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Actor, type Files, FilesError } from '@blocktree/files'
import type { Id, TreeState } from '@blocktree/tree'
import { NodeError, reasonOf } from '../node-error.ts'
import { type AppPlace, appPlace, appsDirectory } from './app-place.ts'
import { type AppState, decodeAppState, encodeAppState } from './app-state.ts'

export interface Installation {
  readonly place: AppPlace
  readonly package: VerifiedPackage
  readonly grant: AppGrant
  readonly state: AppState
}

export interface InstallationDeps {
  readonly crypto: CryptoProvider
  readonly files: Files
  readonly tree: TreeState
  readonly owner: Actor
}

/** Names of installed apps, those whose installation is not whole among them. */
export async function installedNames(deps: InstallationDeps): Promise<readonly string[]> {
  const names = await listApps(deps)
  return names.filter((name) => !name.includes('.')) // no app has a dot in its name
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
  if (!/^[a-z0-9-]+$/.test(name) || !deps.files.exists(deps.owner, place.package)) {
    throw new NodeError('ERR_APP_UNKNOWN', `no app "${name}" is installed; "app list" shows those that are`)
  }
  try {
    const found = readVerified(deps, place.package)
    const { grant } = readGrant(deps, readFile(deps, place.grant))
    const state = decodeAppState(readFile(deps, place.state), name)
    expectSame(found, grant)
    return { place, package: found, grant, state }
  } catch (cause) {
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

/** Signed by a principal of this tree; that it may write here was judged when the file was accepted. */
function readGrant({ crypto, tree }: InstallationDeps, bytes: Uint8Array): SignedAppGrant {
  const { signer } = decodeAppGrant(crypto, bytes)
  const record = tree.authority.principal(signer)
  if (record === undefined)
    throw new PackageError('ERR_APP_GRANT_SIGNATURE', 'its grant is signed by a stranger')
  return verifyAppGrant(crypto, bytes, { id: signer, signingPublicKey: record.body.signingPublicKey })
}

/** The package that is there must be the one that was granted, and be granted no more than it asks for. */
function expectSame(found: VerifiedPackage, grant: AppGrant): void {
  if (
    !equalBytes(found.releaseId, grant.releaseId) ||
    !equalBytes(found.manifest.module.sha256, grant.moduleHash)
  ) {
    throw new PackageError('ERR_PACKAGE_HASH', 'the package is another one than was granted')
  }
  checkGrantWithin(grant, found.manifest)
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
  state: AppState
): Promise<void> {
  await files.create(owner, place.state, encodeAppState(state), { replace: true })
}
