/**
 * Where an installed app lies in the tree (doc/spec/23-installed-apps.md, section 1). What the owner keeps about it is
 * in a directory of the owner's; what is the app's is in a zone of its own below it, which alone its principal can open.
 */

export const appsDirectory = '/apps'

export interface AppPlace {
  readonly name: string
  readonly directory: string
  /** The package, as it was installed. */
  readonly package: string
  /** The grant: the newest record. */
  readonly grant: string
  /** An upgrade that is under way. */
  readonly state: string
  /** What each node keeps that runs it: a file for each. */
  readonly nodes: string
  /** The zone. */
  readonly data: string
  /** What the app sees as `/data`. */
  readonly files: string
  readonly keyValues: string
  /** Data, package and grant from before an upgrade, while it is under way. */
  readonly before: string
}

export function appPlace(name: string): AppPlace {
  const directory = `${appsDirectory}/${name}`
  const data = `${directory}/data`
  return {
    name,
    directory,
    package: `${directory}/package`,
    grant: `${directory}/grant`,
    state: `${directory}/state`,
    nodes: `${directory}/nodes`,
    data,
    files: `${data}/files`,
    keyValues: `${data}/kv`,
    before: `${directory}/before`
  }
}

/**
 * Where the directory of an app lies from the moment that it is uninstalled until it is gone; no app can have such a name.
 * `kept`: its files are yet to be moved to where they outlast it.
 */
export function removalPlace(name: string, what: 'kept' | 'removed'): AppPlace {
  return { ...appPlace(`${name}.${what}`), name }
}

/** Name of the local key of an installation's principal. */
export function installationKeyName(name: string): string {
  return `app-${name}`
}
