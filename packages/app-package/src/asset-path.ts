/**
 * Paths of assets inside a package. A small alphabet, because every odd one has confused some system: no dots in front,
 * no white space, nothing that differs only in case, no name that a system keeps for a device.
 */
import { assetPathBytesMax } from './limits.ts'
import { PackageError } from './package-error.ts'

const component = /^[A-Za-z0-9_@+~-][A-Za-z0-9_@+~.-]*$/
const device = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

/** What is wrong with a path, as the end of a sentence; undefined when nothing. */
export function assetPathProblem(path: string): string | undefined {
  if (path.length > assetPathBytesMax) return `is longer than ${assetPathBytesMax} bytes`
  for (const part of path.split('/')) {
    if (part === '') return 'has an empty component'
    if (part.startsWith('.')) return `has a component that begins with a dot ("${part}")`
    if (!component.test(part)) return `has other characters than letters, digits and _ @ + ~ . - in "${part}"`
    if (part.endsWith('.')) return `has a component that ends with a dot ("${part}")`
    if (device.test(part)) return `has the name of a device ("${part}")`
  }
  return undefined
}

/** ERR_PACKAGE_ASSET for odd paths, and for paths that are out of order or collide. */
export function checkAssetPaths(paths: readonly string[]): void {
  const folded = new Set<string>()
  let previous: string | undefined
  for (const path of paths) {
    const problem = assetPathProblem(path)
    if (problem !== undefined) fail(`asset ${JSON.stringify(path)} ${problem}`)
    if (previous !== undefined && previous >= path) fail(`asset "${path}" is there twice or out of order`)
    previous = path
    const lower = path.toLowerCase()
    if (folded.has(lower)) fail(`asset "${path}" differs from another only in case`)
    folded.add(lower)
  }
  for (const path of folded) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      if (folded.has(path.slice(0, end))) fail(`asset "${path.slice(0, end)}" is a file and a directory`)
    }
  }
}

function fail(message: string): never {
  throw new PackageError('ERR_PACKAGE_ASSET', message)
}
