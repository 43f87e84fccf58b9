/**
 * A guest's path: `/<name of a grant>/below/it`. What is doubtful is refused, never repaired: a path that means two
 * things to two readers is how one leaves a folder (doc/spec/20-app-interface.md).
 */
import type { FileRight } from '@blocktree/app-package'
import type { GrantTable } from './grant-table.ts'
import { fail } from './host-failure.ts'
import { pathBytesMax, pathComponentsMax } from './limits.ts'

export interface GuestPath {
  /** Name of the grant. */
  readonly grant: string
  /** Below its object; empty for the object itself. */
  readonly below: readonly string[]
}

const encoder = new TextEncoder()

/** Fails with `invalid`. */
export function parseGuestPath(path: string): GuestPath {
  if (!path.startsWith('/')) return fail('invalid', `the path ${shown(path)} does not begin with "/"`)
  if (path.length > pathBytesMax || encoder.encode(path).byteLength > pathBytesMax) {
    return fail('invalid', `a path is longer than ${pathBytesMax} bytes`)
  }
  if (path.includes('\0')) return fail('invalid', `the path ${shown(path)} holds a NUL`)
  if (path.normalize('NFC') !== path) return fail('invalid', `the path ${shown(path)} is not in form NFC`)
  const [, grant = '', ...below] = path.split('/')
  if (below.length > pathComponentsMax)
    return fail('invalid', `a path has more than ${pathComponentsMax} components`)
  if ([grant, ...below].some((part) => part === '' || part === '.' || part === '..')) {
    return fail('invalid', `the path ${shown(path)} has an empty component, "." or ".."`)
  }
  return { grant, below }
}

/** The path in the tree, when the right is granted now. Fails with `invalid`, `denied`. */
export function treePath(grants: GrantTable, path: string | GuestPath, right: FileRight): string {
  const { grant, below } = typeof path === 'string' ? parseGuestPath(path) : path
  const root = grants.fileRoot(grant, right)
  if (below.length === 0) return root.path
  if (root.isFile) return fail('not-found', `"${grant}" is a file; nothing is below it`)
  return `${root.path}/${below.join('/')}`
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200))
}
