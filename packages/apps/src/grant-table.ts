/**
 * What one installation may do now. The table is replaced as a whole when the person grants or takes back; open
 * handles ask it again at every use, so that a revocation holds at once.
 */
import { type FileRight, type PermissionScope, type PermissionUse, coversAny } from '@blocktree/app-package'
import { fail } from './host-failure.ts'

export interface Granted {
  /** In the manifest, or given when asked at run time; of files the first component of the guest's paths. */
  readonly name: string
  readonly scope: PermissionScope
  /** Of a files permission: the object in the tree. */
  readonly path?: string | undefined
  /** Asked for at run time, and chosen by the person. */
  readonly isAsked: boolean
}

/** What the manifest asks for, so that a denial can say what to ask the person for. */
export interface AskedPermission {
  readonly name: string
  readonly scope: PermissionScope
}

export class GrantTable {
  readonly #asked: readonly AskedPermission[]
  #granted: ReadonlyMap<string, Granted>
  #list: readonly Granted[]

  constructor(granted: readonly Granted[], asked: readonly AskedPermission[]) {
    this.#asked = asked
    this.#granted = byName(granted)
    this.#list = [...this.#granted.values()]
  }

  /** Takes the place of everything granted before. */
  replace(granted: readonly Granted[]): void {
    this.#granted = byName(granted)
    this.#list = [...this.#granted.values()]
  }

  list(): readonly Granted[] {
    return this.#list
  }

  /** Whether the manifest asks for something under this name. */
  isAskedInManifest(name: string): boolean {
    return this.#asked.some((asked) => asked.name === name)
  }

  /** Tree path of the object of a files grant. Fails with `denied`, saying what is missing. */
  fileRoot(name: string, right: FileRight): { readonly path: string; readonly isFile: boolean } {
    const granted = this.#granted.get(name)
    if (granted?.scope.kind !== 'files' || granted.path === undefined) {
      return fail('denied', this.#missingFiles(name))
    }
    if (!granted.scope.rights.includes(right)) {
      return fail('denied', `the grant "${name}" does not include the right "${right}"`)
    }
    return { path: granted.path, isFile: granted.scope.object === 'file' }
  }

  /** How a use is covered. Fails with `denied`. */
  expect(use: Exclude<PermissionUse, { readonly kind: 'files' }>, what: string): 'literal' | 'pattern' {
    const match = this.covers(use)
    return (
      match ??
      fail(
        'denied',
        `no grant covers ${what}; a permission of kind "${kindOf(use)}" in the manifest, granted by the person, would`
      )
    )
  }

  covers(use: PermissionUse): 'literal' | 'pattern' | undefined {
    return coversAny(this.list(), use)
  }

  #missingFiles(name: string): string {
    const isAsked = this.#asked.some((asked) => asked.name === name && asked.scope.kind === 'files')
    return isAsked
      ? `the person did not grant "${name}", or took it back`
      : `there is no files permission "${name}"; a path begins with the name of one, like /data/notes.txt`
  }
}

function byName(granted: readonly Granted[]): ReadonlyMap<string, Granted> {
  return new Map(granted.map((one) => [one.name, one]))
}

function kindOf(use: PermissionUse): string {
  return use.kind.startsWith('message') ? 'messages' : use.kind
}
