/**
 * The principal under which an installation acts on this node. Its key is local to the machine: where it is missing, after
 * a restore say, the installation gets a new principal with the rights of the former one (doc/spec/23-installed-apps.md, section 1).
 */
import type { FileRight } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import { FilesError } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { KnownPrincipal } from '../principal-directory.ts'
import { isSameRelease, otherRelease, releaseOf } from './agreed-release.ts'
import { endAllAccess, enforceAccess, ensureAccess } from './app-access.ts'
import { type AppDeps, noteApp } from './app-deps.ts'
import { installationKeyName } from './app-place.ts'
import { type AppSeat, agreeToAll, writeSeat } from './app-seat.ts'
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

export interface SeatedInstallation extends Installation {
  readonly seat: AppSeat
}

/**
 * The installation with its principal on this node, which has the rights of the grant: where it never ran, or its key is
 * not on this machine, a new one. From then on no older release runs here.
 * @throws ERR_APP_RIGHTS when this node may not give them, ERR_APP_CONSENT for a release that nobody agreed to here
 */
export async function settleHere(deps: AppDeps, slot: AppSlot): Promise<SeatedInstallation> {
  return await slot.changingGrants(async () => {
    const installation = readInstallation(deps, slot.name)
    const { place, grant, seat, package: found } = installation
    if (seat !== undefined && !installation.isAgreed) throw otherRelease(slot.name, found)
    const release = releaseOf(found)
    const principal = await installationPrincipal(deps, place.name, seat?.principal)
    if (seat !== undefined && equalBytes(principal.id, seat.principal)) {
      const isWritten = deps.files.exists(deps.owner, place.nodes) && isSameRelease(seat.release, release)
      return isWritten
        ? { ...installation, seat }
        : { ...installation, seat: await writeSeat(deps, place, { ...seat, release }) }
    }
    if (seat !== undefined)
      noteApp(deps, place.name, 'its key is not on this machine; it gets a new one, with the same grants')
    await giveRights(deps, installation, principal.id)
    if (seat !== undefined) await endAllAccess(deps, seat.principal)
    const agreed = seat?.agreed ?? agreeToAll(deps.crypto, grant)
    const settled = { principal: principal.id, isEnabled: seat?.isEnabled ?? true, agreed, release }
    await writeSeat(deps, place, settled)
    if (seat === undefined || !equalBytes(seat.principal, grant.installation))
      return { ...installation, seat: settled }
    // the one that the record names, and its key is lost: nobody else has it
    const changed = {
      ...grant,
      installation: principal.id,
      sequence: grant.sequence + 1,
      time: deps.now()
    }
    return { ...installation, grant: await writeGrant(deps, deps.owner, place, changed), seat: settled }
  })
}

async function giveRights(deps: AppDeps, { place, grant }: Installation, principal: Id): Promise<void> {
  try {
    await ensureAccess(deps, place.data, principal, ownRights)
    await enforceAccess(deps, principal, grant.permissions, place.data)
  } catch (cause) {
    await endAllAccess(deps, principal).catch(() => undefined) // what it cannot give it may not be able to end
    if (!(cause instanceof FilesError)) throw cause
    throw new NodeError(
      'ERR_APP_RIGHTS',
      `this node may not give app "${place.name}" its rights (${cause.message}); start it on a node that may share what it uses`,
      { cause }
    )
  }
}
