/** A package in the words that a person reads before installing it. */
import { formatId } from '@blocktree/codec'
import { formatBytes } from './app-limits.ts'
import type { PackageHead } from './package-reader.ts'
import { describeLimits, describePermission } from './permission-sentence.ts'

export interface PackageDescription {
  readonly title: string
  readonly name: string
  readonly version: number
  readonly versionText: string
  readonly description: string
  readonly licence: string
  readonly appId: string
  /** Principal id of who signed it: what to compare with what the author publishes. */
  readonly author: string
  /** SHA-256 of the module, hexadecimal. */
  readonly moduleHash: string
  /** Module and assets. */
  readonly size: string
  readonly permissions: readonly {
    readonly name: string
    readonly sentence: string
    readonly reason: string
    readonly optional: boolean
  }[]
  /** One sentence for each limit above its default. */
  readonly limits: readonly string[]
  readonly routes: readonly string[]
}

export function describePackage(head: PackageHead): PackageDescription {
  const { manifest } = head
  const { title, name, version, versionText, description, licence, module, assets, permissions } = manifest
  return {
    ...{ title, name, version, versionText, description, licence },
    appId: formatId(head.appId),
    author: formatId(head.author.id),
    moduleHash: Array.from(module.sha256, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    size: formatBytes(assets.reduce((sum, { size }) => sum + size, module.size)),
    permissions: permissions.map(({ name, scope, reason, optional }) => ({
      name,
      sentence: describePermission(scope),
      reason,
      optional
    })),
    limits: describeLimits(manifest.limits),
    routes: manifest.routes.map(({ path }) => path)
  }
}
