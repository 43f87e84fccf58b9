/** An app's entries in the tree as an installation lays them out (doc/spec/23-installed-apps.md, section 4). */
import type { AppGrant, VerifiedPackage } from '@blocktree/app-package'
import { releaseOf } from './agreed-release.ts'
import { grantAccess } from './app-access.ts'
import type { Consent } from './app-consent.ts'
import type { AppDeps } from './app-deps.ts'
import { grantPermissions, inOrder } from './app-grants.ts'
import { type AppPlace, appsDirectory } from './app-place.ts'
import { installationPrincipal, ownRights } from './app-principal.ts'
import { agreeToAll, writeSeat } from './app-seat.ts'
import { settledState } from './app-state.ts'
import { writeGrant, writeState } from './installation.ts'

export interface Arrival {
  readonly found: VerifiedPackage
  readonly bytes: Uint8Array
  readonly consent: Consent
}

/** The grant is written last: without it nothing is installed. */
export async function layOut(deps: AppDeps, place: AppPlace, arrival: Arrival): Promise<void> {
  const { files, owner, sharing } = deps
  if (!files.exists(owner, appsDirectory)) await files.makeDirectory(owner, appsDirectory)
  await files.makeDirectory(owner, place.directory)
  await files.makeDirectory(owner, place.data)
  await sharing.createShare(owner, place.data)
  await files.makeDirectory(owner, place.files)
  await files.makeDirectory(owner, place.keyValues)
  const principal = await installationPrincipal(deps, place.name)
  await grantAccess(deps, place.data, ownRights, principal.record)
  await files.create(owner, place.package, arrival.bytes)
  await writeState(deps, place, settledState)
  const { manifest } = arrival.found
  const grant = firstGrant(place, arrival.found, principal.id, deps.now())
  const granted = await grantPermissions(deps, principal.id, manifest.permissions, arrival.consent)
  const permissions = inOrder(granted)
  const agreed = agreeToAll(deps.crypto, { permissions })
  const release = releaseOf(arrival.found)
  await writeSeat(deps, place, { principal: principal.id, isEnabled: true, agreed, release })
  await writeGrant(deps, owner, place, { ...grant, permissions })
}

function firstGrant(
  place: AppPlace,
  { manifest, appId, releaseId }: VerifiedPackage,
  installation: AppGrant['installation'],
  time: number
): AppGrant {
  return {
    appId,
    installation,
    installedAs: place.name,
    version: manifest.version,
    releaseId,
    moduleHash: manifest.module.sha256,
    permissions: [],
    limits: manifest.limits,
    time,
    sequence: 1,
    revoked: false
  }
}
