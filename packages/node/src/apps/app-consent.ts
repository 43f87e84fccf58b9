/** What the person decided about the permissions of an app, and whether that is enough (doc/spec/23-installed-apps.md, section 6). */
import type { Permission } from '@blocktree/app-package'
import { NodeError } from '../node-error.ts'

/** What the person decided about permissions. */
export interface Consent {
  /** Names of permissions that are not granted; only optional ones may be among them. */
  readonly declined: readonly string[]
  /** Of files permissions: the object in the tree, by the permission's name. */
  readonly objects: Readonly<Record<string, string>>
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
