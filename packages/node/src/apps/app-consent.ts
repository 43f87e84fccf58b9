/**
 * What the person decided about an app, and whether that is enough (doc/spec/23-installed-apps.md, section 7). The node
 * judges it: a client that shows nothing and asks nobody gets nothing installed that asks for more.
 */
import { type AppLimitName, type Permission, difference, formatLimit } from '@blocktree/app-package'
import { NodeError } from '../node-error.ts'
import type { Installation } from './installation.ts'

/** What the person decided about permissions. */
export interface Consent {
  /** Names of permissions that are not granted; only optional ones may be among them. */
  readonly declined: readonly string[]
  /** Of files permissions: the object in the tree, by the permission's name. */
  readonly objects: Readonly<Record<string, string>>
}

/** Of an upgrade nothing counts as agreed to that is not named. */
export interface UpgradeConsent extends Consent {
  /** Names of permissions that are new, or wider than before. */
  readonly accepted: readonly string[]
  /** Limits that rise: the highest value that was agreed to. */
  readonly limits: Readonly<Record<string, number>>
}

/** What of a newer version a person has to agree to first. */
export interface Asked {
  /** New ones, and those of the granted ones that ask for more. */
  readonly permissions: readonly Permission[]
  readonly limits: readonly { readonly name: AppLimitName; readonly before: number; readonly after: number }[]
}

type Asking = Parameters<typeof difference>[1]

export function askedByUpgrade({ grant, package: { manifest } }: Installation, next: Asking): Asked {
  const { added, changed, limits } = difference(manifest, next)
  const granted = new Set(grant.permissions.map(({ name }) => name))
  const wider = changed.flatMap(({ after }) => (granted.has(after.name) ? [after] : []))
  return { permissions: [...wider, ...added], limits }
}

/** @throws ERR_APP_CONSENT */
export function expectConsent(asked: readonly Permission[], { declined, objects }: Consent): void {
  for (const { name, scope, optional } of asked) {
    if (declined.includes(name)) {
      if (!optional)
        throw new NodeError('ERR_APP_CONSENT', `the app does not work without the permission "${name}"`)
    } else if (scope.kind === 'files' && scope.object !== 'own' && objects[name] === undefined) {
      throw new NodeError(
        'ERR_APP_CONSENT',
        `choose a ${scope.object} for the permission "${name}", or decline it`
      )
    }
  }
}

/** @throws ERR_APP_CONSENT */
export function expectUpgradeConsent({ permissions, limits }: Asked, consent: UpgradeConsent): void {
  const { accepted, declined } = consent
  for (const { name } of permissions) {
    if (accepted.includes(name) || declined.includes(name)) continue
    throw new NodeError(
      'ERR_APP_CONSENT',
      `the new version asks for more with the permission "${name}", and nobody agreed to that; name it in "accept", or decline it`
    )
  }
  for (const { name, before, after } of limits) {
    if ((consent.limits[name] ?? before) >= after) continue
    throw new NodeError(
      'ERR_APP_CONSENT',
      `the new version raises its limit ${name} from ${formatLimit(name, before)} to ${formatLimit(name, after)}, and nobody agreed to that; name it in "limits" with at least ${after}`
    )
  }
  expectConsent(permissions, consent)
}
