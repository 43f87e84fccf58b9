/**
 * HTTP routes of an app: which requests the app answers, and which the node answers with the package's own files.
 * A path that ends with `/` covers everything below; any other covers itself. The longest match decides.
 */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { assetPathProblem } from './asset-path.ts'
import { routesMax } from './limits.ts'
import { PackageError } from './package-error.ts'

export type RouteTarget =
  | { readonly kind: 'app' }
  /** Files of the package below `directory` (`''`: all of them); a directory answers with its `index`. */
  | { readonly kind: 'assets'; readonly directory: string; readonly index: string | undefined }

export interface Route {
  readonly path: string
  readonly target: RouteTarget
}

const pathBytesMax = 255
const segment = /^[A-Za-z0-9._~@+-]+$/

/** `[[path, nil | [directory, index | nil]]…]`, paths ascending. */
export function writeRoutes(writer: CanonicalWriter, routes: readonly Route[]): void {
  writer.array(routes.length)
  for (const { path, target } of routes) {
    writer.array(2).str(path)
    if (target.kind === 'app') writer.nil()
    else {
      writer.array(2).str(target.directory)
      writer.optional(target.index, (index) => writer.str(index))
    }
  }
}

export function readRoutes(reader: CanonicalReader): Route[] {
  const count = reader.array(routesMax)
  return Array.from({ length: count }, () => {
    reader.arrayOf(2)
    const path = reader.str(pathBytesMax)
    const target = reader.optional((): RouteTarget => {
      reader.arrayOf(2)
      const directory = reader.str(pathBytesMax)
      return { kind: 'assets', directory, index: reader.optional(() => reader.str(pathBytesMax)) }
    })
    return { path, target: target ?? { kind: 'app' } }
  })
}

/** ERR_PACKAGE_ROUTE for a path that is odd, out of order or there twice, and for files that are not in the package. */
export function checkRoutes(routes: readonly Route[], assets: readonly { readonly path: string }[]): void {
  if (routes.length > routesMax) fail(`${routes.length} routes are more than ${routesMax}`)
  let previous: string | undefined
  for (const { path, target } of routes) {
    checkRoutePath(path)
    if (previous !== undefined && previous >= path) fail(`route "${path}" is there twice or out of order`)
    previous = path
    if (target.kind === 'assets') checkAssetTarget(path, target.directory, target.index, assets)
  }
}

function checkRoutePath(path: string): void {
  const parts = path.split('/')
  const inner = path.endsWith('/') ? parts.slice(1, -1) : parts.slice(1)
  const isSound =
    path.startsWith('/') && inner.every((part) => segment.test(part) && part !== '.' && part !== '..')
  if (!isSound || path.length > pathBytesMax) {
    fail(`"${path}" is not a path of a route: write "/", "/name" or "/name/"`)
  }
}

function checkAssetTarget(
  path: string,
  directory: string,
  index: string | undefined,
  assets: readonly { readonly path: string }[]
): void {
  if (!path.endsWith('/')) fail(`route "${path}" leads to a directory: end it with "/"`)
  const problem = directory === '' ? undefined : assetPathProblem(directory)
  if (problem !== undefined) fail(`route "${path}": directory "${directory}" ${problem}`)
  if (index !== undefined && (index.includes('/') || assetPathProblem(index) !== undefined))
    fail(`route "${path}": index "${index}" is not a file name`)
  const prefix = directory === '' ? '' : `${directory}/`
  if (!assets.some((asset) => asset.path.startsWith(prefix)))
    fail(`route "${path}": the package has no file below "${directory}"`)
}

/** The route of a decoded and normalised path; undefined when none covers it. */
export function matchRoute(routes: readonly Route[], path: string): Route | undefined {
  let found: Route | undefined
  for (const route of routes) {
    const isMatch = route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path
    if (isMatch && (found === undefined || route.path.length > found.path.length)) found = route
  }
  return found
}

/** Path of the asset that answers `path` under a route to assets: itself, or the index of a directory. */
export function assetOfPath(route: Route, path: string): string | undefined {
  if (route.target.kind !== 'assets') return undefined
  const { directory, index } = route.target
  const below = path.slice(route.path.length)
  const file = below === '' || below.endsWith('/') ? (index === undefined ? undefined : below + index) : below
  if (file === undefined) return undefined
  return directory === '' ? file : `${directory}/${file}`
}

function fail(message: string): never {
  throw new PackageError('ERR_PACKAGE_ROUTE', message)
}
