/**
 * Installations that other nodes change: what was granted or taken back there, a version that was put in the place of
 * another, an app that was removed. The files come by replication, one after another, so each change is looked at anew
 * and what is not whole yet is left until the next one (doc/spec/23-installed-apps.md, section 5).
 */
import { equalBytes } from '@blocktree/codec'
import type { FileEvent, Files } from '@blocktree/files'
import { NodeError } from '../node-error.ts'
import { otherRelease } from './agreed-release.ts'
import { enforceAccess } from './app-access.ts'
import { type AppDeps, noteApp } from './app-deps.ts'
import { upgradingElsewhere } from './app-elsewhere.ts'
import { visibleGrants } from './app-grants.ts'
import { appsDirectory } from './app-place.ts'
import { forgetHere } from './app-removal.ts'
import { endRun, startRun } from './app-run.ts'
import type { AppSlot } from './app-slot.ts'
import { type Installation, readInstallation } from './installation.ts'

export interface InstallationListener {
  /** Names to look at when changes were missed. */
  known(): readonly string[]
  changed(name: string): Promise<void>
}

/** Tells of changes of packages, grants and states, and of directories of apps that come and go; not of their data. */
export function watchInstallations(
  { files, owner }: Pick<AppDeps, 'files' | 'owner'>,
  listener: InstallationListener
): { close(): void } {
  const ended = new AbortController()
  const events = files.watch(owner, appsDirectory, { signal: ended.signal })
  const queued = new Set<string>()
  const tell = (name: string): void => {
    if (queued.has(name)) return
    queued.add(name)
    setImmediate(() => {
      queued.delete(name)
      if (!ended.signal.aborted) void listener.changed(name)
    })
  }
  void follow(events, (name) => (name === undefined ? listener.known().forEach(tell) : tell(name)))
  return { close: () => ended.abort() }
}

async function follow(
  events: ReturnType<Files['watch']>,
  tell: (name: string | undefined) => void
): Promise<void> {
  try {
    for await (const event of events) {
      if (event.change === 'overrun') tell(undefined)
      else if (event.change !== 'created' || event.kind === 'directory') tellOf(event, tell)
    }
  } catch {
    tell(undefined) // the directory is gone, and its apps with it
  }
}

const ownFile = /^\/apps\/([^/]+)(?:\/(?:package|grant|state))?$/

function tellOf(event: FileEvent, tell: (name: string | undefined) => void): void {
  // a directory that is moved away is named as it is now: whose it was is looked up
  if (event.change === 'moved' && event.kind === 'directory') return tell(undefined)
  const name = event.path === undefined ? undefined : ownFile.exec(event.path)?.[1]
  if (name !== undefined) tell(name.replace(/\.(?:kept|removed)$/, ''))
}

/** In a turn of the slot: makes what runs here what the tree says now. */
export async function followInstallation(deps: AppDeps, slot: AppSlot): Promise<void> {
  const installation = readWhole(deps, slot)
  if (installation === 'gone') {
    noteApp(deps, slot.name, 'it was removed on another node')
    return await forgetHere(deps, slot)
  }
  if (installation === undefined) return
  const { seat, state } = installation
  const node = upgradingElsewhere(deps, state)
  if (seat === undefined || node !== undefined) {
    const name = node === undefined ? undefined : deps.principals.nameOf(node)
    await endRun(slot)
    slot.applied = installation
    slot.problem =
      name === undefined ? 'another app of this name came from another node' : `${name} upgrades it`
    return
  }
  if (!seat.isEnabled) return
  if (!installation.isAgreed) {
    await endRun(slot)
    slot.applied = installation
    slot.problem = otherRelease(slot.name, installation.package).message
    return noteApp(deps, slot.name, slot.problem)
  }
  const { applied } = slot
  if (slot.instance === undefined) {
    if (applied?.state.upgradingFrom !== undefined || applied?.isAgreed === false)
      await startRun(deps, slot, { reason: 'upgraded' })
  } else if (applied === undefined || !isSameRun(applied, installation)) {
    await endRun(slot)
    await startRun(deps, slot, { reason: 'upgraded' })
  } else if (!equalBytes(grantOf(applied), grantOf(installation))) await applyGrant(deps, slot, installation)
}

/** undefined while a part of it is still on its way. */
function readWhole(deps: AppDeps, slot: AppSlot): Installation | 'gone' | undefined {
  try {
    return readInstallation(deps, slot.name)
  } catch (error) {
    if (!(error instanceof NodeError)) throw error
    return error.code === 'ERR_APP_UNKNOWN' ? 'gone' : undefined
  }
}

function isSameRun(one: Installation, other: Installation): boolean {
  return (
    equalBytes(one.grant.releaseId, other.grant.releaseId) &&
    JSON.stringify(one.grant.limits) === JSON.stringify(other.grant.limits)
  )
}

/** Of the permissions alone; the record itself changes when another node gets a new principal too. */
function grantOf({ grant }: Installation): Uint8Array {
  const rows = grant.permissions.map(({ name, scope, object }) => [name, scope, object?.block.toHex()])
  return new TextEncoder().encode(JSON.stringify(rows))
}

/** What was taken back holds for the running app before its rights in the tree are changed. */
async function applyGrant(deps: AppDeps, slot: AppSlot, installation: Installation): Promise<void> {
  const { place, grant, seat } = installation
  slot.applied = installation
  slot.instance?.setGrants(visibleGrants(deps, installation))
  if (seat === undefined) return
  await slot.changingGrants(() => enforceAccess(deps, seat.principal, grant.permissions, place.data))
  slot.instance?.setGrants(visibleGrants(deps, installation))
}
