/** Starting and stopping what is installed: the instance with its bounded files, and what the gateway serves of it. */
import { type Host, effectiveLimits } from '@blocktree/app-package'
import { type FilePort, type KeyValueStore, limitStorage, openKeyValueStore, startApp } from '@blocktree/apps'
import { NodeError, reasonOf } from '../node-error.ts'
import { type AppDeps, noteApp } from './app-deps.ts'
import { objectPath } from './app-access.ts'
import { takePermission, visibleGrants } from './app-grants.ts'
import { appPlace, installationKeyName } from './app-place.ts'
import { type SeatedInstallation, settleHere } from './app-principal.ts'
import { isAgreed } from './app-seat.ts'
import type { AppSlot } from './app-slot.ts'
import { createFilePort } from './file-port.ts'
import type { Installation } from './installation.ts'
import { createServedApp } from './served-app.ts'

export interface RunReason {
  readonly reason: Host.StartReason
  /** The version before, whose data is to be brought up. */
  readonly migrateFrom?: number
}

/** In a turn of the slot. @throws ERR_APP_FAILED, and what reading an installation throws */
export async function startRun(deps: AppDeps, slot: AppSlot, why: RunReason): Promise<void> {
  await holdPackage(deps, slot)
  const installation = await settleHere(deps, slot)
  const { place, package: found, grant } = installation
  noteUnseen(deps, installation)
  slot.applied = installation
  const files = await filesOf(deps, installation)
  slot.served = createServedApp({
    name: slot.name,
    package: found,
    installedMs: deps.files.stat(deps.owner, place.package).metadata.modifiedMs,
    instance: () => slot.instance
  })
  slot.package = found
  slot.problem = undefined
  const keyValues = await keyValuesOf(deps, installation, files)
  try {
    slot.instance = await startApp(deps.services, {
      ...why,
      app: slot.name,
      version: grant.version,
      module: found.module,
      limits: effectiveLimits(grant.limits),
      asked: found.manifest.permissions,
      granted: visibleGrants(deps, installation),
      files,
      keyValues,
      // The app's own wish: it waits for no turn that the app itself may hold.
      giveBack: (permission) => takePermission(deps, slot, permission)
    })
  } catch (cause) {
    keyValues.close()
    slot.problem = reasonOf(cause)
    throw new NodeError('ERR_APP_FAILED', `app "${slot.name}" does not start: ${slot.problem}`, { cause })
  }
}

/** Its package stays on this node for as long as it runs. */
async function holdPackage({ files, owner, content }: AppDeps, slot: AppSlot): Promise<void> {
  const { package: path } = appPlace(slot.name)
  slot.releasePackage?.()
  slot.releasePackage = undefined
  if (!files.exists(owner, path)) return // said by whoever reads it
  slot.releasePackage = await content.hold(files.stat(owner, path).versionId)
}

/** What it was granted and does not get on this node is said in its log. */
function noteUnseen(deps: AppDeps, installation: SeatedInstallation): void {
  const { place, grant, seat } = installation
  for (const permission of grant.permissions) {
    const { name, object } = permission
    if (!isAgreed(deps.crypto, seat, permission))
      noteApp(
        deps,
        place.name,
        `the permission "${name}" is not agreed to on this node: "app grant ${place.name} ${name}"`
      )
    else if (object !== undefined && objectPath(deps, permission) === undefined)
      noteApp(
        deps,
        place.name,
        `what was chosen for the permission "${name}" is not on this node, or gone: ${object.path}`
      )
  }
}

/** In a turn of the slot. */
export async function endRun(slot: AppSlot): Promise<void> {
  const { instance } = slot
  slot.instance = undefined
  slot.releasePackage?.()
  slot.releasePackage = undefined
  await instance?.stop()
}

async function filesOf(
  { files, owner, principals, space, content, services: { timers } }: AppDeps,
  { place, grant }: Installation
): Promise<FilePort> {
  const actor = await principals.actorOf(installationKeyName(place.name))
  const bytesMax = effectiveLimits(grant.limits).storageBytes
  return limitStorage(createFilePort({ files, actor, owner, space, content, timers }), {
    directory: place.files,
    bytesMax
  })
}

async function keyValuesOf(
  deps: AppDeps,
  { place, grant }: Installation,
  files: FilePort
): Promise<KeyValueStore> {
  return await openKeyValueStore({
    files,
    crypto: deps.crypto,
    directory: place.keyValues,
    bytesMax: effectiveLimits(grant.limits).stateBytes,
    onDamage: (file) => noteApp(deps, place.name, `an entry of its key-value store cannot be read: ${file}`)
  })
}
