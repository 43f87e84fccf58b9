/**
 * What an installation's principal may do in the tree: grants to read and caps to write, for its own zone and for
 * objects that the person chose. Granted and taken back together with the app's own grant record.
 */
import { equalBytes } from '@blocktree/codec'
import type { FileRight, GrantedPermission } from '@blocktree/app-package'
import { type Actor, type Files, FilesError, type Sharing } from '@blocktree/files'
import type { Id, PrincipalRecord, TreeState } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import { appsDirectory } from './app-place.ts'
import { bitsOf } from './file-rights.ts'

export interface AppAccessDeps {
  readonly files: Files
  readonly sharing: Sharing
  readonly tree: TreeState
  /** Who owns the node's tree, day by day. */
  readonly owner: Actor
}

/** Lets the principal do this with what lies at `path`; a directory becomes a share of its own first. */
export async function grantAccess(
  { files, sharing, owner }: AppAccessDeps,
  path: string,
  rights: readonly FileRight[],
  to: PrincipalRecord
): Promise<void> {
  const entry = files.stat(owner, path)
  if (entry.kind === 'directory' && !entry.zoneRoot) await sharing.createShare(owner, path)
  await sharing.issueGrant(owner, { path, to: { principal: to } })
  const bits = bitsOf(rights)
  if (bits !== 0) await sharing.issueWriteCap(owner, { path, to, rights: bits })
}

/** Ends every grant and cap of the principal for what lies at `path`; keys are changed. */
export async function endAccess(
  { files, sharing, owner }: AppAccessDeps,
  path: string,
  principal: Id
): Promise<void> {
  if (!files.exists(owner, path)) return
  for (const { cap, subject } of sharing.listCaps(owner, { path })) {
    if (equalBytes(subject, principal)) await sharing.revokeCap(owner, cap.id)
  }
  for (const { grant, recipient } of sharing.listGrants(owner, { path })) {
    if (equalBytes(recipient, principal)) await sharing.revokeReader(owner, grant.id)
  }
}

/** Ends every right that a principal has in the tree, but for what lies at these paths. */
export async function endAllAccess(
  { sharing, owner }: AppAccessDeps,
  principal: Id,
  keptPaths: readonly string[] = []
): Promise<void> {
  const isToEnd = (path: string | undefined): boolean => path !== undefined && !keptPaths.includes(path)
  for (const { cap, subject, path } of sharing.listCaps(owner)) {
    if (isToEnd(path) && equalBytes(subject, principal)) await sharing.revokeCap(owner, cap.id)
  }
  for (const { grant, recipient, path } of sharing.listGrants(owner)) {
    if (isToEnd(path) && equalBytes(recipient, principal)) await sharing.revokeReader(owner, grant.id)
  }
}

/**
 * Makes the rights of a principal of the installation in the tree those of its grant, whatever they are: what cut short a
 * change of them left no word of how far it came, and what another node granted is given here by this one.
 * @param zone its own, whose rights stay
 */
export async function enforceAccess(
  deps: AppAccessDeps,
  principal: Id,
  permissions: readonly GrantedPermission[],
  zone: string
): Promise<void> {
  const wanted = rightsByPath(deps, permissions)
  await endAllAccess(deps, principal, [zone, ...wanted.keys()])
  for (const [path, rights] of wanted) await ensureAccess(deps, path, principal, [...rights])
}

/** Exactly these rights; those that it has already are not given again. */
export async function ensureAccess(
  deps: AppAccessDeps,
  path: string,
  principal: Id,
  rights: readonly FileRight[]
): Promise<void> {
  const { sharing, owner, tree } = deps
  const caps = sharing.listCaps(owner, { path }).filter(({ subject }) => equalBytes(subject, principal))
  const hasBits = caps.reduce((sum, { cap }) => sum | cap.body.rights, 0)
  const isReader = sharing
    .listGrants(owner, { path })
    .some(({ recipient }) => equalBytes(recipient, principal))
  if (isReader && hasBits === bitsOf(rights)) return
  await endAccess(deps, path, principal)
  const record = tree.authority.principal(principal)
  if (record !== undefined) await grantAccess(deps, path, rights, record)
}

/** Makes grants and caps of the principal those of `permissions`; what stays the same is not touched. */
export async function settleAccess(
  deps: AppAccessDeps,
  principal: Id,
  before: readonly GrantedPermission[],
  permissions: readonly GrantedPermission[]
): Promise<void> {
  const record = deps.tree.authority.principal(principal)
  const had = rightsByPath(deps, before)
  const has = rightsByPath(deps, permissions)
  for (const [path, rights] of had) {
    const wanted = has.get(path)
    if (wanted !== undefined && rights.size === wanted.size && wanted.isSubsetOf(rights)) continue
    await endAccess(deps, path, principal)
    if (wanted !== undefined && record !== undefined) await grantAccess(deps, path, [...wanted], record)
  }
}

/**
 * Ends what a principal of another node had under permissions that are gone. That node does so too when it hears of the
 * change; what it gave itself, this one may not be allowed to end.
 */
export async function endAccessElsewhere(
  deps: AppAccessDeps,
  principal: Id,
  before: readonly GrantedPermission[],
  permissions: readonly GrantedPermission[]
): Promise<void> {
  const has = rightsByPath(deps, permissions)
  for (const path of rightsByPath(deps, before).keys()) {
    if (!has.has(path)) await asFarAsAllowed(() => endAccess(deps, path, principal))
  }
}

const notAllowed = new Set(['ERR_ROOT_NEEDED', 'ERR_ACCESS_DENIED'])

export async function asFarAsAllowed(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof FilesError && notAllowed.has(error.code))) throw error
  }
}

/** Several permissions may be for one object. */
function rightsByPath(
  deps: AppAccessDeps,
  permissions: readonly GrantedPermission[]
): ReadonlyMap<string, ReadonlySet<FileRight>> {
  const rights = new Map<string, ReadonlySet<FileRight>>()
  for (const permission of permissions) {
    const path = objectPath(deps, permission)
    if (path === undefined || permission.scope.kind !== 'files') continue
    rights.set(path, new Set([...(rights.get(path) ?? []), ...permission.scope.rights]))
  }
  return rights
}

/**
 * Where the object of a permission lies now: what was moved stays granted.
 * @returns undefined when it is gone, or nothing was chosen
 */
export function objectPath(
  { files, owner }: AppAccessDeps,
  permission: GrantedPermission
): string | undefined {
  const { object } = permission
  return object === undefined ? undefined : files.pathOf(owner, object.block)
}

/**
 * Where what the person chose really lies: links are followed before it is judged, so that none leads to what must not
 * be granted. @throws ERR_APP_CONSENT for `/` and for what belongs to apps, ERR_FILE_NOT_FOUND
 */
export function grantablePath(
  { files, owner }: Pick<AppAccessDeps, 'files' | 'owner'>,
  path: string
): string {
  const place = files.pathOf(owner, files.stat(owner, path).block) ?? path
  if (place === '/' || place === appsDirectory || place.startsWith(`${appsDirectory}/`)) {
    throw new NodeError(
      'ERR_APP_CONSENT',
      `"${path}" holds what other apps keep; choose something else to grant`
    )
  }
  return place
}
