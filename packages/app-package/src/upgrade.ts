/** From one release of an app to the next: whether it may be, and what is new about what it asks for. */
import { equalBytes } from '@blocktree/codec'
import { type AppLimitName, appLimits, limitNames } from './app-limits.ts'
import type { Manifest } from './manifest.ts'
import { PackageError } from './package-error.ts'
import type { PackageHead } from './package-reader.ts'
import { isWithin } from './permission-cover.ts'
import type { Permission } from './permission.ts'

/**
 * @throws ERR_PACKAGE_OTHER_APP, ERR_PACKAGE_DOWNGRADE (the same version too), ERR_PACKAGE_UPGRADE_GAP
 */
export function checkUpgrade(
  installed: { readonly appId: Uint8Array; readonly version: number },
  next: Pick<PackageHead, 'appId' | 'manifest'>
): void {
  const { name, version, minUpgradableVersion } = next.manifest
  if (!equalBytes(installed.appId, next.appId)) {
    throw new PackageError(
      'ERR_PACKAGE_OTHER_APP',
      `"${name}" is another app than the installed one: another author, or another name; install it beside`
    )
  }
  if (version <= installed.version) {
    throw new PackageError(
      'ERR_PACKAGE_DOWNGRADE',
      `version ${version} of "${name}" is not newer than version ${installed.version}, which is installed`
    )
  }
  if (installed.version < minUpgradableVersion) {
    throw new PackageError(
      'ERR_PACKAGE_UPGRADE_GAP',
      `version ${version} of "${name}" upgrades version ${minUpgradableVersion} and later; version ${installed.version} is installed: install a version between first`
    )
  }
}

export interface ManifestDifference {
  /** Under a name that was not asked for before. */
  readonly added: readonly Permission[]
  /** Under a known name, and not within what was asked for before. */
  readonly changed: readonly { readonly before: Permission; readonly after: Permission }[]
  readonly removed: readonly Permission[]
  /** Limits that rise. */
  readonly limits: readonly { readonly name: AppLimitName; readonly before: number; readonly after: number }[]
  /** Paths that the app did not answer before. */
  readonly routes: readonly string[]
  /** Something is asked for that a person has not seen yet. */
  readonly needsConsent: boolean
}

export function difference(before: Manifest, after: Manifest): ManifestDifference {
  const old = new Map(before.permissions.map((permission) => [permission.name, permission]))
  const names = new Set(after.permissions.map(({ name }) => name))
  const added = after.permissions.filter(({ name }) => !old.has(name))
  const changed = after.permissions.flatMap((permission) => {
    const known = old.get(permission.name)
    if (known === undefined || isWithin(permission.scope, known.scope)) return []
    return [{ before: known, after: permission }]
  })
  const removed = before.permissions.filter(({ name }) => !names.has(name))
  const limits = limitNames().flatMap((name) => {
    const from = before.limits[name] ?? appLimits[name].default
    const to = after.limits[name] ?? appLimits[name].default
    return to > from ? [{ name, before: from, after: to }] : []
  })
  const known = new Set(before.routes.map(({ path }) => path))
  const routes = after.routes.map(({ path }) => path).filter((path) => !known.has(path))
  const needsConsent = added.length + changed.length + limits.length > 0
  return { added, changed, removed, limits, routes, needsConsent }
}
