/**
 * What a crash leaves of an installation: all that is written before the grant, its last file, and nothing else
 * (doc/spec/23-installed-apps.md, section 4). The next start removes it, and so does the next installation under its name.
 */
import { equalBytes } from '@blocktree/codec'
import { PackageError, readPackage } from '@blocktree/app-package'
import type { AppPlace } from './app-place.ts'
import { decodeAppState } from './app-state.ts'
import type { InstallationDeps } from './installation.ts'

/** Whether `place` holds nothing but empty data and, perhaps, a sound package and a state. */
export async function isLeftover(deps: InstallationDeps, place: AppPlace): Promise<boolean> {
  const { files, owner } = deps
  if (!files.exists(owner, place.directory)) return false
  if (!equalBytes(files.stat(owner, place.directory).signer, owner.id)) return false // of another node, and on its way
  if (!(await holdsOnly(deps, place.directory, ['data', 'package', 'state', 'nodes']))) return false
  if (!(await holdsOnly(deps, place.nodes, [owner.id.toHex()]))) return false
  if (!(await holdsOnly(deps, place.data, ['files', 'kv']))) return false
  const isEmpty = [place.files, place.keyValues].map((path) => holdsOnly(deps, path, []))
  return !(await Promise.all(isEmpty)).includes(false) && isPackageOrAbsent(deps, place)
}

/** An absent directory holds nothing. */
async function holdsOnly(
  { files, owner }: InstallationDeps,
  path: string,
  names: readonly string[]
): Promise<boolean> {
  if (!files.exists(owner, path)) return true
  if (files.stat(owner, path).kind !== 'directory') return false
  const { entries } = await files.list(owner, path, { limit: names.length + 1 })
  return entries.every(({ name }) => names.includes(name))
}

function isPackageOrAbsent({ crypto, files, owner }: InstallationDeps, place: AppPlace): boolean {
  if (!files.exists(owner, place.package)) return !files.exists(owner, place.state)
  try {
    readPackage(crypto, files.read(owner, place.package).bytes)
    return true
  } catch (error) {
    if (error instanceof PackageError) return false
    throw error
  }
}

/**
 * Whether the state says that an upgrade began and did not end. A snapshot without that is one that was not whole when
 * the process ended, or that an upgrade which ended well had no time to remove: neither may replace what is in force.
 */
export function isUpgradeOpen({ files, owner }: InstallationDeps, place: AppPlace): boolean {
  if (!files.exists(owner, place.state)) return false
  return decodeAppState(files.read(owner, place.state).bytes, place.name).upgradingFrom !== undefined
}
