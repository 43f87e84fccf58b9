/** What the installed apps of a node need of it. */
import type { VerifiedPackage } from '@blocktree/app-package'
import type { HostServices } from '@blocktree/apps'
import type { PrincipalDirectory } from '../principal-directory.ts'
import type { SpaceGuard } from '../space-guard.ts'
import type { AppAccessDeps } from './app-access.ts'
import type { AppContent } from './app-content.ts'
import type { AppLog } from './app-log.ts'
import type { InstallationDeps } from './installation.ts'

export interface AppDeps extends InstallationDeps, AppAccessDeps {
  readonly treeId: Uint8Array
  readonly principals: Pick<PrincipalDirectory, 'find' | 'actorOf' | 'idOf' | 'nameOf' | 'create' | 'remove'>
  readonly services: HostServices
  readonly content: AppContent
  readonly log: Pick<AppLog, 'forget'>
  readonly space: SpaceGuard
  readonly now: () => number
  /** Signature, hashes and the module's policy; that of the node when left out. */
  readonly verify?: (bytes: Uint8Array) => Promise<VerifiedPackage>
}

/** A line of the node in the log of an app. */
export function noteApp({ services }: Pick<AppDeps, 'services'>, app: string, message: string): void {
  services.log({ app, level: 'warning', message, source: 'host' })
}
