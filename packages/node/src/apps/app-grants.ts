/**
 * What an installation is granted: giving it a permission with its rights in the tree, taking it back, and what of the
 * record a running app gets to see.
 */
import type { GrantedPermission, Permission } from '@blocktree/app-package'
import type { Granted } from '@blocktree/apps'
import type { Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import { endAccessElsewhere, grantAccess, grantablePath, objectPath, settleAccess } from './app-access.ts'
import type { Consent } from './app-consent.ts'
import type { AppDeps } from './app-deps.ts'
import { type AppSeat, agreeToAll, isAgreed, otherPrincipals, writeSeat } from './app-seat.ts'
import type { AppSlot } from './app-slot.ts'
import { type Installation, readInstallation, writeGrant } from './installation.ts'

export interface PermissionChoice {
  readonly name: string
  readonly scope: GrantedPermission['scope']
  /** The object that was picked, where the scope needs one. */
  readonly path: string | undefined
  /** Asked for at run time. */
  readonly asked: boolean
}

/**
 * Gives the installation's principal on this node its rights in the tree; other nodes do so for theirs when they hear of
 * it. The record is the caller's to write. @throws ERR_APP_CONSENT
 * @param principal undefined where the app does not run on this node
 */
export async function grantPermission(
  deps: AppDeps,
  principal: Id | undefined,
  { name, scope, path, asked }: PermissionChoice
): Promise<GrantedPermission> {
  if (scope.kind !== 'files' || scope.object === 'own') return { name, scope, object: undefined, asked }
  const { files, owner, treeId, tree } = deps
  if (path === undefined)
    throw new NodeError('ERR_APP_CONSENT', `choose a ${scope.object} for the permission "${name}"`)
  const record = principal && tree.authority.principal(principal)
  if (record === undefined && principal !== undefined)
    throw new NodeError('ERR_PRINCIPAL_UNKNOWN', 'the principal of the installation is not known')
  const entry = files.stat(owner, path)
  if (entry.kind !== (scope.object === 'folder' ? 'directory' : 'file')) {
    throw new NodeError(
      'ERR_APP_CONSENT',
      `"${path}" is a ${entry.kind}; the permission "${name}" is for a ${scope.object}`
    )
  }
  const place = grantablePath(deps, path)
  if (record !== undefined) await grantAccess(deps, place, scope.rights, record)
  else if (entry.kind === 'directory' && !entry.zoneRoot) await deps.sharing.createShare(owner, place)
  const { block } = files.stat(owner, place) // a directory that became a share has a new id
  return { name, scope, object: { tree: treeId, block, path: place }, asked }
}

/** All of `asked` that is not declined. */
export async function grantPermissions(
  deps: AppDeps,
  principal: Id | undefined,
  asked: readonly Permission[],
  { declined, objects }: Consent
): Promise<readonly GrantedPermission[]> {
  const granted: GrantedPermission[] = []
  for (const { name, scope } of asked) {
    if (declined.includes(name)) continue
    granted.push(await grantPermission(deps, principal, { name, scope, path: objects[name], asked: false }))
  }
  return granted
}

/** Grants it to the installed app, in the place of one of the same name. */
export async function addPermission(deps: AppDeps, slot: AppSlot, choice: PermissionChoice): Promise<void> {
  await slot.changingGrants(async () => {
    const { grant, seat } = readInstallation(deps, slot.name)
    const added = await grantPermission(deps, seat?.principal, choice)
    const others = grant.permissions.filter(({ name }) => name !== added.name)
    await writePermissions(deps, slot, [...others, added], added)
  })
}

/** Holds for the running app before anything that may fail. @throws ERR_APP_PERMISSION */
export async function takePermission(deps: AppDeps, slot: AppSlot, permission: string): Promise<void> {
  const { place, grant, seat } = readInstallation(deps, slot.name)
  const without = (permissions: readonly GrantedPermission[]): readonly GrantedPermission[] =>
    permissions.filter(({ name }) => name !== permission)
  const rest = without(grant.permissions)
  if (rest.length === grant.permissions.length) throw noPermission(slot.name, permission)
  slot.instance?.setGrants(visibleGrants(deps, { place, seat, grant: { ...grant, permissions: rest } }))
  await slot.changingGrants(async () => {
    await writePermissions(deps, slot, without(readInstallation(deps, slot.name).grant.permissions))
  })
}

/**
 * In a turn of the chain of grants.
 * @param agreed what a person of this node has just agreed to
 */
async function writePermissions(
  deps: AppDeps,
  slot: AppSlot,
  permissions: readonly GrantedPermission[],
  agreed?: GrantedPermission
): Promise<void> {
  const before = readInstallation(deps, slot.name)
  const { place, grant } = before
  const changed = {
    ...grant,
    permissions: inOrder(permissions),
    sequence: grant.sequence + 1,
    time: deps.now()
  }
  const seat = await agreeTo(deps, before, agreed)
  const written = await writeGrant(deps, deps.owner, place, changed)
  slot.instance?.setGrants(visibleGrants(deps, { place, seat, grant: written }))
  if (slot.applied !== undefined) slot.applied = { ...slot.applied, seat, grant: written }
  if (grant.permissions.every((one) => permissions.includes(one))) return
  if (seat !== undefined) await settleAccess(deps, seat.principal, grant.permissions, permissions)
  for (const principal of await otherPrincipals(deps, place))
    await endAccessElsewhere(deps, principal, grant.permissions, permissions)
}

async function agreeTo(
  deps: AppDeps,
  { place, seat }: Installation,
  agreed: GrantedPermission | undefined
): Promise<AppSeat | undefined> {
  if (seat === undefined || agreed === undefined || isAgreed(deps.crypto, seat, agreed)) return seat
  const added = agreeToAll(deps.crypto, { permissions: [agreed] })
  return await writeSeat(deps, place, { ...seat, agreed: new Map([...seat.agreed, ...added]) })
}

/** As the record has them. */
export function inOrder(permissions: readonly GrantedPermission[]): readonly GrantedPermission[] {
  return permissions.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** As the app sees them that runs here; what was granted and is gone, or is not agreed to on this node, is left out. */
export function visibleGrants(
  deps: AppDeps,
  { place, grant, seat }: Pick<Installation, 'place' | 'grant' | 'seat'>
): readonly Granted[] {
  return grant.permissions.flatMap((permission): Granted[] => {
    const { name, scope, asked: isAsked } = permission
    if (seat === undefined || !isAgreed(deps.crypto, seat, permission)) return []
    if (scope.kind !== 'files') return [{ name, scope, isAsked }]
    const path = scope.object === 'own' ? place.files : objectPath(deps, permission)
    return path === undefined ? [] : [{ name, scope, path, isAsked }]
  })
}

export function noPermission(app: string, permission: string): NodeError {
  return new NodeError(
    'ERR_APP_PERMISSION',
    `app "${app}" has no permission "${permission}"; "app grants ${app}" shows them`
  )
}
