/**
 * A newer version in the place of the installed one: snapshot, replace, migrate, check. When anything fails, version,
 * data and grant from before are in force again (doc/spec/23-installed-apps.md, sections 4 and 6).
 */
import { type AppGrant, type GrantedPermission, checkUpgrade } from '@blocktree/app-package'
import { NodeError, reasonOf } from '../node-error.ts'
import { otherRelease, releaseOf } from './agreed-release.ts'
import { endAccessElsewhere, objectPath, settleAccess } from './app-access.ts'
import { type UpgradeConsent, askedByUpgrade, expectUpgradeConsent } from './app-consent.ts'
import type { AppDeps } from './app-deps.ts'
import { grantPermissions, inOrder } from './app-grants.ts'
import type { Arrival } from './app-placement.ts'
import { endRun, startRun } from './app-run.ts'
import { agreeToAll, isAgreed, otherPrincipals, writeSeat } from './app-seat.ts'
import { expectNoUpgradeElsewhere } from './app-elsewhere.ts'
import type { AppSlot } from './app-slot.ts'
import { type Installation, readInstallation, writeGrant } from './installation.ts'
import { dropSnapshot, rollBack, takeSnapshot } from './upgrade-snapshot.ts'

export interface UpgradeArrival extends Arrival {
  readonly consent: UpgradeConsent
}

/** In a turn of the slot. @throws ERR_APP_ROLLED_BACK; ERR_APP_CONSENT and what `checkUpgrade` throws before anything changes */
export async function upgradeApp(deps: AppDeps, slot: AppSlot, arrival: UpgradeArrival): Promise<void> {
  const { found, consent } = arrival
  const before = readInstallation(deps, slot.name)
  const { place, grant, seat } = before
  expectUpgradable(deps, before)
  checkUpgrade({ appId: grant.appId, version: grant.version }, found)
  expectUpgradeConsent(askedByUpgrade(before, found.manifest), {
    ...consent,
    objects: { ...objectPaths(deps, grant), ...consent.objects }
  })
  await endRun(slot)
  try {
    await slot.changingGrants(async () => {
      const installation = readInstallation(deps, slot.name) // the app may have given something back since
      await takeSnapshot(deps, installation)
      await replace(deps, installation, arrival)
    })
    await startRun(deps, slot, { reason: 'upgraded', migrateFrom: grant.version })
    const problem = await slot.instance?.health()
    if (problem !== undefined) throw new NodeError('ERR_APP_FAILED', `its check failed: ${problem}`)
  } catch (cause) {
    await endRun(slot)
    await slot.changingGrants(() => rollBack(deps, place))
    if (seat?.isEnabled === true) await startRun(deps, slot, { reason: 'started' })
    throw new NodeError(
      'ERR_APP_ROLLED_BACK',
      `version ${found.manifest.version} of "${slot.name}" failed (${reasonOf(cause)}); version ${grant.version} and its data are in force again`,
      { cause }
    )
  }
  await dropSnapshot(deps, place)
  if (seat?.isEnabled !== true) await endRun(slot)
}

/**
 * An upgrade has the app bring up its data, so it is made where the app runs; and what is new is told from what was agreed
 * to. @throws ERR_APP_ELSEWHERE, ERR_APP_CONSENT
 */
function expectUpgradable(deps: AppDeps, installation: Installation): void {
  expectNoUpgradeElsewhere(deps, installation)
  if (installation.isAgreed) return
  if (installation.seat !== undefined) throw otherRelease(installation.place.name, installation.package)
  throw new NodeError(
    'ERR_APP_ELSEWHERE',
    `app "${installation.place.name}" never ran on this node; upgrade it where it runs, or start it here first`
  )
}

async function replace(deps: AppDeps, before: Installation, arrival: Arrival): Promise<void> {
  const { found, bytes } = arrival
  const { manifest, releaseId } = found
  const { place, grant, seat } = before
  const permissions = await permissionsAfter(deps, before, arrival)
  if (seat !== undefined) {
    await settleAccess(deps, seat.principal, grant.permissions, permissions)
    const kept = grant.permissions.filter((one) => !isAgreed(deps.crypto, seat, one)).map(({ name }) => name)
    const fresh = new Set(askedByUpgrade(before, manifest).permissions.map(({ name }) => name))
    const agreed = permissions.filter(({ name }) => fresh.has(name) || !kept.includes(name))
    await writeSeat(deps, place, {
      ...seat,
      agreed: agreeToAll(deps.crypto, { permissions: agreed }),
      release: releaseOf(found)
    })
  }
  for (const principal of await otherPrincipals(deps, place))
    await endAccessElsewhere(deps, principal, grant.permissions, permissions)
  await deps.files.create(deps.owner, place.package, bytes, { replace: true })
  await writeGrant(deps, deps.owner, place, {
    ...grant,
    version: manifest.version,
    releaseId,
    moduleHash: manifest.module.sha256,
    permissions,
    limits: manifest.limits,
    sequence: grant.sequence + 1,
    time: deps.now()
  })
}

/** What was granted stays as far as it is asked for; what was declined or taken back stays so; new is what is new. */
async function permissionsAfter(
  deps: AppDeps,
  installation: Installation,
  { found, consent }: Arrival
): Promise<readonly GrantedPermission[]> {
  const { grant, seat } = installation
  const again = askedByUpgrade(installation, found.manifest).permissions
  const asked = new Map(found.manifest.permissions.map(({ name, scope }) => [name, scope]))
  const isAskedAgain = new Set(again.map(({ name }) => name))
  const kept = grant.permissions.flatMap((one): GrantedPermission[] => {
    const scope = asked.get(one.name)
    if (one.asked && scope === undefined) return [one]
    return scope === undefined || isAskedAgain.has(one.name) ? [] : [{ ...one, scope }]
  })
  const objects = { ...objectPaths(deps, grant), ...consent.objects }
  const fresh = await grantPermissions(deps, seat?.principal, again, { ...consent, objects })
  return inOrder([...kept, ...fresh])
}

/** Where the objects that were chosen for what the manifest asks lie now, by permission. */
function objectPaths(deps: AppDeps, { permissions }: AppGrant): Record<string, string> {
  return Object.fromEntries(
    permissions.flatMap((permission) => {
      const path = permission.asked ? undefined : objectPath(deps, permission)
      return path === undefined ? [] : [[permission.name, path]]
    })
  )
}
