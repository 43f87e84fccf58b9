/**
 * Version, grant, state and data of an app from before an upgrade: kept beside it while the upgrade is under way, put
 * back when it fails or a crash cuts it short (doc/spec/23-installed-apps.md, section 4).
 */
import { type AppGrant, decodeAppGrant, readPackage } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import { enforceAccess } from './app-access.ts'
import type { AppDeps } from './app-deps.ts'
import { givenBy } from './given-permissions.ts'
import type { AppPlace } from './app-place.ts'
import { agreeToAll, readSeat, writeSeat } from './app-seat.ts'
import { settledState } from './app-state.ts'
import { type Installation, writeGrant, writeState } from './installation.ts'
import { isUpgradeOpen } from './leftover.ts'

/** The state is written last: from then on the upgrade is open. */
export async function takeSnapshot(deps: AppDeps, { place, grant }: Installation): Promise<void> {
  const { files, owner } = deps
  if (files.exists(owner, place.before)) await files.remove(owner, place.before, { recursive: true })
  await files.makeDirectory(owner, place.before)
  for (const part of ['package', 'grant', 'state'] as const) {
    await files.copy(owner, place[part], `${place.before}/${part}`)
  }
  await files.copy(owner, place.files, `${place.before}/files`)
  await files.copy(owner, place.keyValues, `${place.before}/kv`)
  await writeState(deps, place, { upgradingFrom: grant.version, upgradingNode: owner.id })
}

/** The upgrade ended well. */
export async function dropSnapshot(deps: AppDeps, place: AppPlace): Promise<void> {
  await writeState(deps, place, settledState)
  await deps.files.remove(deps.owner, place.before, { recursive: true })
}

/**
 * Puts back what was before an upgrade that did not end well. In a turn of the chain of grants.
 * @returns whether there was one; a snapshot that is not whole, or of an upgrade that ended well, is removed. One of what
 * was not agreed to here stays where it is: what this node puts back, others take for its word.
 */
export async function rollBack(deps: AppDeps, place: AppPlace): Promise<boolean> {
  const { files, owner } = deps
  if (!files.exists(owner, place.before)) return false
  const isOpen = isUpgradeOpen(deps, place)
  if (isOpen && !isKnownHere(deps, place)) return false
  if (isOpen) await putBack(deps, place)
  await files.remove(owner, place.before, { recursive: true })
  return isOpen
}

/** The state comes last: until it is written, the next start puts all of it back again. */
async function putBack(deps: AppDeps, place: AppPlace): Promise<void> {
  const { files, owner } = deps
  for (const [saved, target] of [
    ['files', place.files],
    ['kv', place.keyValues]
  ] as const) {
    if (files.exists(owner, target)) await files.remove(owner, target, { recursive: true })
    await files.copy(owner, `${place.before}/${saved}`, target)
  }
  await putGrantBack(deps, place)
  const { bytes } = files.read(owner, `${place.before}/package`)
  await files.create(owner, place.package, bytes, { replace: true })
  await writeState(deps, place, settledState)
}

/** The grant from before as a new record, since the highest number counts; rights in the tree become those of it. */
async function putGrantBack(deps: AppDeps, place: AppPlace): Promise<void> {
  const { crypto, files, owner } = deps
  const read = (path: string): AppGrant => decodeAppGrant(crypto, files.read(owner, path).bytes).grant
  const saved = read(`${place.before}/grant`)
  const { signer } = files.stat(owner, `${place.before}/grant`)
  const before = { ...saved, permissions: givenBy(deps, [signer], saved) } // this node signs it now
  const failed = read(place.grant)
  const seat = readSeat(deps, place, owner.id)
  if (seat !== undefined) {
    await enforceAccess(deps, seat.principal, before.permissions, place.data)
    const permissions = before.permissions.filter(({ name }) => seat.agreed.has(name))
    await writeSeat(deps, place, { ...seat, agreed: agreeToAll(crypto, { permissions }), release: saved })
  }
  const sequence = Math.max(before.sequence, failed.sequence) + 1
  await writeGrant(deps, owner, place, {
    ...before,
    installation: failed.installation,
    sequence,
    time: deps.now()
  })
}

/** Made by this node, or of the release that was agreed to here. */
function isKnownHere(deps: AppDeps, place: AppPlace): boolean {
  const { crypto, files, owner } = deps
  const parts = ['package', 'grant'].map((part) => `${place.before}/${part}`)
  if (parts.every((path) => equalBytes(files.stat(owner, path).signer, owner.id))) return true
  const { releaseId } = readPackage(crypto, files.read(owner, `${place.before}/package`).bytes)
  const seat = readSeat(deps, place, owner.id)
  return seat !== undefined && (seat.release === undefined || equalBytes(seat.release.releaseId, releaseId))
}
