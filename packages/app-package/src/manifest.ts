/**
 * The manifest of a package: what an app is, consists of and asks for, signed by its author
 * (doc/spec/17-app-package.md, section 3). The signature covers the exact bytes, never a re-encoded object.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type RequestedLimits, appLimits, readLimits, writeLimits } from './app-limits.ts'
import { checkAssetPaths } from './asset-path.ts'
import {
  appNameBytesMax,
  assetBytesMax,
  assetPathBytesMax,
  assetsMax,
  descriptionBytesMax,
  licenceBytesMax,
  moduleBytesMax,
  titleBytesMax,
  versionMax,
  versionTextBytesMax
} from './limits.ts'
import { PackageError, refuseAs } from './package-error.ts'
import { type Permission, readPermissions, writePermissions } from './permission.ts'
import { checkPlainText } from './plain-text.ts'
import { type Route, checkRoutes, readRoutes, writeRoutes } from './route.ts'

/** Type and format of the envelope around a manifest (doc/spec/02-envelope.md). */
export const manifestType = 32
export const manifestFormat = 1
export const abiVersion = 1

export interface ContentHash {
  readonly size: number
  readonly sha256: Uint8Array
}

export interface AssetRow extends ContentHash {
  readonly path: string
  /** For the header `content-type`. */
  readonly mediaType: string
}

export interface Manifest {
  /** Principal id of the author, who signs. */
  readonly author: Uint8Array
  /** Lower-case letters, digits, hyphens. With the author it makes the app id. */
  readonly name: string
  /** Counts up with every release. */
  readonly version: number
  /** As people write it: "1.2.0". Nothing depends on it. */
  readonly versionText: string
  /** The lowest version whose data this one can bring up. */
  readonly minUpgradableVersion: number
  readonly module: ContentHash
  /** Ascending by path. */
  readonly assets: readonly AssetRow[]
  readonly permissions: readonly Permission[]
  readonly limits: RequestedLimits
  /** Ascending by path. */
  readonly routes: readonly Route[]
  readonly title: string
  readonly description: string
  /** SPDX expression. */
  readonly licence: string
  /** Path of an asset. */
  readonly icon: string | undefined
}

const appIdDomain = new TextEncoder().encode('blocktree/app/1\0')
const abiKinds = ['core', 'component'] as const
const mediaTypePattern = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(; charset=[a-z0-9-]+)?$/
const licencePattern = /^[A-Za-z0-9.+() -]+$/

/** An app's identity: nobody else's package can have it, whatever its name. */
export function appId(crypto: CryptoProvider, author: Uint8Array, name: string): Uint8Array {
  return crypto.sha256Parts([appIdDomain, author, new TextEncoder().encode(name)])
}

/** The signed body. PackageError with the code of the field that breaks a rule. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  checkManifest(manifest)
  const writer = new CanonicalWriter(4096).array(14)
  writer.bin(manifest.author).str(manifest.name)
  writer.uint(manifest.version).str(manifest.versionText).uint(manifest.minUpgradableVersion)
  writer.array(2).uint(abiKinds.indexOf('core')).uint(abiVersion)
  writer.array(2).uint(manifest.module.size).bin(manifest.module.sha256)
  writer.array(manifest.assets.length)
  for (const { path, size, sha256, mediaType } of manifest.assets) {
    writer.array(4).str(path).uint(size).bin(sha256).str(mediaType)
  }
  writePermissions(writer, manifest.permissions)
  writeLimits(writer, manifest.limits)
  writeRoutes(writer, manifest.routes)
  writer.array(2).str(manifest.title).str(manifest.description)
  writer.str(manifest.licence).optional(manifest.icon, (icon) => writer.str(icon))
  return writer.finish()
}

/** Reads a body and checks every rule that needs nothing but the manifest. Views of `bytes`. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const manifest = refuseAs('ERR_PACKAGE_FORMAT', 'the manifest', () => readManifest(bytes))
  checkManifest(manifest)
  return manifest
}

function readManifest(bytes: Uint8Array): Manifest {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(14)
  const author = reader.binExact(32)
  const name = reader.str(appNameBytesMax)
  const version = reader.uint(versionMax, 1)
  const versionText = reader.str(versionTextBytesMax)
  const minUpgradableVersion = reader.uint(versionMax)
  readAbi(reader)
  reader.arrayOf(2)
  const module = { size: reader.uint(), sha256: reader.binExact(32) }
  const assets = readAssets(reader)
  const permissions = readPermissions(reader)
  const limits = readLimits(reader)
  const routes = readRoutes(reader)
  reader.arrayOf(2)
  const title = reader.str(titleBytesMax)
  const description = reader.str(descriptionBytesMax)
  const licence = reader.str(licenceBytesMax)
  const icon = reader.optional(() => reader.str(assetPathBytesMax))
  reader.end()
  return {
    ...{ author, name, version, versionText, minUpgradableVersion, module, assets },
    ...{ permissions, limits, routes, title, description, licence, icon }
  }
}

/** `[kind, version]`: a kind or version this node does not run is refused by name, not as damage. */
function readAbi(reader: CanonicalReader): void {
  reader.arrayOf(2)
  const kind = reader.uint(0xff)
  const version = reader.uint(0xffff)
  if (abiKinds[kind] === 'component') {
    throw new PackageError(
      'ERR_PACKAGE_ABI',
      'the package holds a WebAssembly component; this node runs core modules (abi kind "core", version 1): build it as one'
    )
  }
  if (abiKinds[kind] !== 'core' || version !== abiVersion) {
    throw new PackageError(
      'ERR_PACKAGE_ABI',
      `the package needs interface ${abiKinds[kind] ?? kind} version ${version}; this node runs core version ${abiVersion}: upgrade the node`
    )
  }
}

function readAssets(reader: CanonicalReader): AssetRow[] {
  const count = reader.array(assetsMax)
  return Array.from({ length: count }, () => {
    reader.arrayOf(4)
    const path = reader.str(assetPathBytesMax)
    const size = reader.uint()
    return { path, size, sha256: reader.binExact(32), mediaType: reader.str(100) }
  })
}

/** Every rule that the layout does not already say. */
export function checkManifest(manifest: Manifest): void {
  checkAppName(manifest.name)
  checkNumbers(manifest)
  checkTexts(manifest)
  checkContents(manifest)
  checkRoutes(manifest.routes, manifest.assets)
  const serves = manifest.permissions.some(({ scope }) => scope.kind === 'http-server')
  if (!serves && manifest.routes.length > 0) {
    throw new PackageError(
      'ERR_PACKAGE_ROUTE',
      'there are routes, but no http-server permission asks for them'
    )
  }
  if (manifest.icon !== undefined && !manifest.assets.some(({ path }) => path === manifest.icon))
    fail(`the icon "${manifest.icon}" is not an asset of the package`)
}

export function checkAppName(name: string): void {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= appNameBytesMax - 1) return
  fail(`"${name}" is not a name of an app: use up to 63 lower-case letters, digits and hyphens`)
}

function checkNumbers({ version, minUpgradableVersion }: Manifest): void {
  if (!Number.isInteger(version) || version < 1 || version > versionMax)
    fail(`version ${version} is not an integer from 1 to ${versionMax}`)
  if (!Number.isInteger(minUpgradableVersion) || minUpgradableVersion < 0 || minUpgradableVersion > version)
    fail(`the lowest upgradable version, ${minUpgradableVersion}, is not between 0 and ${version}`)
}

function checkTexts(manifest: Manifest): void {
  const { title, description, licence, versionText } = manifest
  const problems = [
    ['title', checkPlainText(title, titleBytesMax)],
    ['description', checkPlainText(description, descriptionBytesMax, true)],
    ['version text', checkPlainText(versionText, versionTextBytesMax)],
    ['licence', checkPlainText(licence, licenceBytesMax)]
  ]
  for (const [field, problem] of problems) {
    if (problem !== undefined) fail(`the ${field ?? ''} ${problem}`)
  }
  if (!licencePattern.test(licence)) fail(`the licence "${licence}" is not an SPDX expression`)
}

function checkContents({ module, assets, limits }: Manifest): void {
  const sizeMax = Math.min(limits.moduleBytes ?? appLimits.moduleBytes.default, moduleBytesMax)
  if (module.size > sizeMax) {
    throw new PackageError(
      'ERR_PACKAGE_SIZE',
      `the module has ${module.size} bytes, the limit is ${sizeMax}: ask for moduleBytes`
    )
  }
  if (assets.length > assetsMax) fail(`${assets.length} assets are more than ${assetsMax}`)
  checkAssetPaths(assets.map(({ path }) => path))
  for (const { path, size, mediaType } of assets) {
    if (size > assetBytesMax) {
      throw new PackageError(
        'ERR_PACKAGE_SIZE',
        `asset "${path}" has ${size} bytes, the limit is ${assetBytesMax}`
      )
    }
    if (!mediaTypePattern.test(mediaType))
      fail(`asset "${path}": "${mediaType}" is not a media type in lower case`)
  }
}

function fail(message: string): never {
  throw new PackageError('ERR_PACKAGE_MANIFEST', message)
}
