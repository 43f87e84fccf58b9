/**
 * Uninstalling, in steps of which a crash may cut off any: moving the directory of the app is the one that counts. From
 * then on it is not installed, and what is left to do is done before anything else happens under its name, at the next
 * start at the latest (doc/spec/23-installed-apps.md, section 4).
 */
import { asFarAsAllowed, endAllAccess } from './app-access.ts'
import type { AppDeps } from './app-deps.ts'
import { isOursToEnd } from './app-elsewhere.ts'
import { type AppPlace, appPlace, appsDirectory, installationKeyName, removalPlace } from './app-place.ts'
import { otherPrincipals } from './app-seat.ts'
import { knownInstallation } from './app-principal.ts'
import { endRun } from './app-run.ts'
import type { AppSlot } from './app-slot.ts'
import { listApps } from './installation.ts'

/** In a turn of the slot: takes it out of the installed apps. The rest is `finishRemoval`. */
export async function beginRemoval(deps: AppDeps, slot: AppSlot, keepsData: boolean): Promise<void> {
  const { files, owner } = deps
  await endRun(slot)
  slot.served = undefined
  slot.package = undefined
  slot.applied = undefined
  const place = appPlace(slot.name)
  await files.move(owner, place.directory, removalPlace(slot.name, keepsData ? 'kept' : 'removed').directory)
}

/**
 * In a turn of the slot: does what is left of an uninstallation.
 * @returns where its files were moved to; undefined when there are none, or nothing was left
 */
export async function finishRemoval(deps: AppDeps, slot: AppSlot): Promise<string | undefined> {
  const { files, owner } = deps
  const [kept, removed] = [removalPlace(slot.name, 'kept'), removalPlace(slot.name, 'removed')]
  let keptAt: string | undefined
  if (files.exists(owner, kept.directory)) {
    await endRights(deps, slot.name, kept)
    keptAt = await moveData(deps, kept)
    await files.move(owner, kept.directory, removed.directory)
  }
  if (files.exists(owner, removed.directory)) await clearAway(deps, slot, removed)
  return keptAt
}

/** Names of apps whose uninstallation was begun and not finished, here or on a node that is none any more. */
export async function unfinishedRemovals(deps: AppDeps): Promise<readonly string[]> {
  const names = await listApps(deps)
  return names
    .filter((name) => isOursToEnd(deps, `${appsDirectory}/${name}`))
    .flatMap((name) => /^(.*)\.(?:kept|removed)$/.exec(name)?.[1] ?? [])
}

/** In a turn of the slot: ends it, and removes what lies at `place`, its rights, its key and its log too. */
export async function clearAway(deps: AppDeps, slot: AppSlot, place: AppPlace): Promise<void> {
  const { files, owner, principals } = deps
  await endRun(slot)
  slot.served = undefined
  slot.package = undefined
  slot.applied = undefined
  await endRights(deps, slot.name, place)
  await principals.remove(installationKeyName(slot.name))
  if (files.exists(owner, place.directory)) await files.remove(owner, place.directory, { recursive: true })
  deps.log.forget(slot.name)
}

/** Its principals of other nodes lose what this one may take; those nodes take the rest when they hear of it. */
async function endRights(deps: AppDeps, name: string, place: AppPlace): Promise<void> {
  const principal = knownInstallation(deps, name)
  if (principal !== undefined) await endAllAccess(deps, principal)
  for (const other of await otherPrincipals(deps, place))
    await asFarAsAllowed(() => endAllAccess(deps, other))
}

/** In a turn of the slot: another node has removed the app, and what is left of it here ends. */
export async function forgetHere(deps: AppDeps, slot: AppSlot): Promise<void> {
  await endRun(slot)
  slot.served = undefined
  slot.package = undefined
  slot.applied = undefined
  const principal = knownInstallation(deps, slot.name)
  if (principal === undefined) return
  await endAllAccess(deps, principal)
  await deps.principals.remove(installationKeyName(slot.name))
}

async function moveData(
  { files, owner }: AppDeps,
  { name, files: data }: AppPlace
): Promise<string | undefined> {
  if (!files.exists(owner, data)) return undefined
  let keptAt = `/${name}-data`
  for (let number = 2; files.exists(owner, keptAt); number++) keptAt = `/${name}-data-${number}`
  await files.move(owner, data, keptAt)
  return keptAt
}
