/**
 * The principal under which an installation acts. Its key is local to the machine: where it is missing, after a restore
 * say, the installation gets a new principal with the rights of the former one (doc/spec/23-installed-apps.md, section 1).
 */
import type { FileRight } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { KnownPrincipal } from '../principal-directory.ts'
import { endAccess, grantAccess, objectPath } from './app-access.ts'
import { type AppDeps, noteApp } from './app-deps.ts'
import { installationKeyName } from './app-place.ts'
import type { AppSlot } from './app-slot.ts'
import { type Installation, readInstallation, writeGrant } from './installation.ts'

/** What an installation may do in its own zone. */
export const ownRights: readonly FileRight[] = ['read', 'write', 'create', 'list', 'remove', 'lock']

/**
 * Made anew when its key is not on this machine.
 * @param former who the installation was until now: when only its name is left here, the new one takes that
 * @throws ERR_PRINCIPAL_NAME when somebody else was given its name
 */
export async function installationPrincipal(
  { principals }: AppDeps,
  app: string,
  former?: Id
): Promise<KnownPrincipal> {
  const key = installationKeyName(app)
  try {
    const known = principals.find(key)
    await principals.actorOf(key)
    return known
  } catch (error) {
    if (!isUnknown(error)) throw error
    const named = knownInstallation({ principals }, app)
    if (named !== undefined && former !== undefined && equalBytes(named, former)) await principals.remove(key)
    return await principals.create(key)
  }
}

/** undefined when nobody has the name that its principal would have. */
export function knownInstallation({ principals }: Pick<AppDeps, 'principals'>, app: string): Id | undefined {
  try {
    return principals.idOf(installationKeyName(app))
  } catch (error) {
    if (isUnknown(error)) return undefined
    throw error
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof NodeError && error.code === 'ERR_PRINCIPAL_UNKNOWN'
}

/** The installation, granted to the principal whose key is on this machine. */
export async function settleHere(deps: AppDeps, slot: AppSlot): Promise<Installation> {
  return await slot.changingGrants(async () => {
    const installation = readInstallation(deps, slot.name)
    const { place, grant } = installation
    const principal = await installationPrincipal(deps, place.name, grant.installation)
    if (equalBytes(principal.id, grant.installation)) return installation
    noteApp(deps, place.name, 'its key is not on this machine; it gets a new one, with the same grants')
    await grantAccess(deps, place.data, ownRights, principal.record)
    for (const permission of grant.permissions) {
      const path = objectPath(deps, permission)
      if (path === undefined || permission.scope.kind !== 'files') continue
      await grantAccess(deps, path, permission.scope.rights, principal.record)
      await endAccess(deps, path, grant.installation)
    }
    await endAccess(deps, place.data, grant.installation)
    const changed = {
      ...grant,
      installation: principal.id,
      sequence: grant.sequence + 1,
      time: deps.now()
    }
    return { ...installation, grant: await writeGrant(deps, deps.owner, place, changed) }
  })
}
