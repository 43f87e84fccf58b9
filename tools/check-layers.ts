/**
 * Keeps the direction of imports: every package imports only what its row of `layers.json` lists, through
 * declared dependencies and exported subpaths, and pure packages touch no file, socket, process, clock or
 * ambient randomness. Neither workspace links nor project references would notice. Run by `npm run check`.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lineOf, scanSource } from './source-scan.ts'

export interface LayerRow {
  readonly name: string
  readonly directory: string
  readonly layer: number
  readonly pure: boolean
  readonly mayImport: readonly string[]
  /** Path prefixes inside the package that need not be pure, each with its reason. */
  readonly exceptions: Readonly<Record<string, string>>
}

export interface LayerTable {
  readonly packages: readonly LayerRow[]
  readonly impureSubpaths: readonly string[]
  readonly testSubpaths: readonly string[]
}

interface PackageManifest {
  readonly name: string
  readonly exports?: Record<string, unknown>
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

const scope = '@blocktree/'
const builtins: ReadonlySet<string> = new Set(builtinModules)
const pureBuiltins: ReadonlySet<string> = new Set(['node:assert', 'node:assert/strict'])

/** What a pure package must take as an argument instead. */
const ambient: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  {
    pattern: /(?<![\w$.#])process\s*[.[]/g,
    instead: 'take what is needed from the environment as an argument'
  },
  {
    pattern: /(?<![\w$.#])Date\s*\.\s*now\b/g,
    instead: 'take the time as an argument or through the Clock port'
  },
  {
    pattern: /(?<![\w$.#])(?:new\s+)?Date\s*\(\s*\)/g,
    instead: 'take the time as an argument or through the Clock port'
  },
  {
    pattern: /(?<![\w$.#])performance\s*\.\s*now\b/g,
    instead: 'take the time as an argument or through the Clock port'
  },
  { pattern: /(?<![\w$.#])set(?:Timeout|Interval)\s*\(/g, instead: 'let the caller own timers' },
  { pattern: /(?<![\w$.#])Math\s*\.\s*random\b/g, instead: 'take randomness through the Random port' },
  {
    pattern: /(?<![\w$#])(?:crypto\s*\.\s*)(?:getRandomValues|randomUUID|randomBytes)\b/g,
    instead: 'take randomness through the Random port'
  },
  {
    pattern: /(?<![\w$.#])(?:fetch|WebSocket|XMLHttpRequest)\s*\(/g,
    instead: 'leave the network to a driver'
  }
]

/** @returns one line per violation, `file:line: what is wrong; what to do` */
export function checkLayers(root: string, table: LayerTable): string[] {
  const problems = checkTable(table)
  for (const row of table.packages) {
    const directory = join(root, row.directory)
    if (!existsSync(directory)) problems.push(`${row.directory}: listed in layers.json but absent`)
    else problems.push(...checkPackage(root, row, table))
  }
  for (const directory of packageDirectories(root)) {
    if (table.packages.some((row) => row.directory === directory)) continue
    problems.push(`${directory}/package.json: has no row in layers.json; add one`)
  }
  return problems
}

/** The table itself may not point upwards. */
function checkTable(table: LayerTable): string[] {
  const problems: string[] = []
  for (const row of table.packages) {
    for (const name of row.mayImport) {
      const target = table.packages.find((other) => other.name === name)
      if (target === undefined) problems.push(`layers.json: ${row.name} may import ${name}, which has no row`)
      else if (target.layer >= row.layer) {
        problems.push(
          `layers.json: ${row.name} (layer ${row.layer}) may not import ${name} (layer ${target.layer})`
        )
      }
    }
  }
  return problems
}

function checkPackage(root: string, row: LayerRow, table: LayerTable): string[] {
  const directory = join(root, row.directory)
  const manifest = readManifest(directory)
  const problems: string[] = []
  for (const part of ['src', 'test']) {
    for (const file of sourceFiles(join(directory, part))) {
      const inside = relative(directory, file).split(sep).join('/')
      const source = readFileSync(file, 'utf8')
      const context: FileContext = { root, row, table, manifest, file, inside, isTest: part === 'test' }
      problems.push(...checkFile(context, source))
    }
  }
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (!name.startsWith(scope) || row.mayImport.includes(name.slice(scope.length))) continue
    problems.push(
      `${row.directory}/package.json: depends on ${name}, which its row in layers.json does not list`
    )
  }
  return problems
}

interface FileContext {
  readonly root: string
  readonly row: LayerRow
  readonly table: LayerTable
  readonly manifest: PackageManifest
  readonly file: string
  readonly inside: string // path inside the package
  readonly isTest: boolean
}

function checkFile(context: FileContext, source: string): string[] {
  const shown = `${context.row.directory}/${context.inside}`
  const scan = scanSource(source)
  const problems = scan.imports.flatMap(({ specifier, line }) =>
    checkImport(context, specifier).map((problem) => `${shown}:${line}: ${problem}`)
  )
  if (!mustBePure(context)) return problems
  for (const { pattern, instead } of ambient) {
    for (const match of scan.code.matchAll(pattern)) {
      problems.push(`${shown}:${lineOf(source, match.index)}: "${match[0]}" in a pure package; ${instead}`)
    }
  }
  return problems
}

/** Tests, conformance suites and listed exceptions run where there is a platform. */
function mustBePure({ row, inside, isTest }: FileContext): boolean {
  if (!row.pure || isTest || isConformance(inside)) return false
  return !Object.keys(row.exceptions).some((prefix) => inside.startsWith(prefix))
}

function isConformance(inside: string): boolean {
  return /(?:^|-)conformance\.ts$/.test(basename(inside)) || inside.includes('/conformance/')
}

function checkImport(context: FileContext, specifier: string): string[] {
  if (specifier.startsWith('.')) return checkRelative(context, specifier)
  if (specifier.startsWith(scope)) return checkOwnPackage(context, specifier.slice(scope.length))
  if (specifier.startsWith('node:') || builtins.has(specifier)) return checkBuiltin(context, specifier)
  return checkThirdParty(context, specifier)
}

function checkRelative({ root, row, file }: FileContext, specifier: string): string[] {
  const target = resolve(dirname(file), specifier)
  const directory = join(root, row.directory)
  if (target === directory || target.startsWith(directory + sep)) return []
  return [`"${specifier}" leaves the package; import the other package by its name`]
}

function checkBuiltin(context: FileContext, specifier: string): string[] {
  if (!specifier.startsWith('node:')) return [`"${specifier}" is a built-in; write "node:${specifier}"`]
  if (!mustBePure(context) || pureBuiltins.has(specifier)) return []
  return [`"${specifier}" in a pure package; declare a port and let a driver implement it`]
}

function checkThirdParty(context: FileContext, specifier: string): string[] {
  const parts = specifier.split('/')
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const inTests = context.isTest || isConformance(context.inside)
  if (inTests || declared(context.manifest, name)) return []
  return [`"${name}" is not a dependency in ${context.row.directory}/package.json`]
}

function checkOwnPackage(context: FileContext, specifier: string): string[] {
  const { row, table, root } = context
  const [name = '', ...rest] = specifier.split('/')
  const subpath = rest.join('/')
  const target = table.packages.find((other) => other.name === name)
  if (target === undefined) return [`"${scope}${name}" has no row in layers.json`]
  const problems: string[] = []
  if (!exportsSubpath(readManifest(join(root, target.directory)), subpath)) {
    problems.push(
      `"${scope}${specifier}" is not an exported subpath of ${target.directory}; never import deep`
    )
  }
  if (name === row.name) {
    if (!context.isTest) problems.push(`"${scope}${specifier}" is this package; import the file`)
    return problems
  }
  const asTestSupport = context.isTest && target.layer < row.layer && table.testSubpaths.includes(subpath)
  if (!row.mayImport.includes(name) && !asTestSupport) {
    problems.push(
      `${row.name} (layer ${row.layer}) may not import ${name} (layer ${target.layer}); see layers.json`
    )
  }
  if (!declared(context.manifest, `${scope}${name}`)) {
    problems.push(`"${scope}${name}" is not a dependency in ${row.directory}/package.json`)
  }
  if (!context.isTest && !isReferenced(root, row, target)) {
    problems.push(
      `"${scope}${name}" is not a reference in ${row.directory}/tsconfig.json; a build from nothing would come to it too late`
    )
  }
  if (mustBePure(context) && table.impureSubpaths.includes(specifier)) {
    problems.push(
      `"${scope}${specifier}" is a driver and ${row.name} is pure; take its interface as an argument`
    )
  }
  return problems
}

/** Whether `tsc -b` knows that the target has to be built first. */
function isReferenced(root: string, row: LayerRow, target: LayerRow): boolean {
  const directory = join(root, row.directory)
  if (!existsSync(join(directory, 'tsconfig.json'))) return false
  const project = JSON.parse(readFileSync(join(directory, 'tsconfig.json'), 'utf8')) as {
    readonly references?: readonly { readonly path: string }[]
  }
  return (project.references ?? []).some(
    ({ path }) => resolve(directory, path) === join(root, target.directory)
  )
}

function exportsSubpath(manifest: PackageManifest, subpath: string): boolean {
  return Object.hasOwn(manifest.exports ?? {}, subpath === '' ? '.' : `./${subpath}`)
}

function declared(manifest: PackageManifest, name: string): boolean {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  return Object.hasOwn(
    { ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies },
    name
  )
}

function readManifest(directory: string): PackageManifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageManifest
}

function sourceFiles(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.split(sep).includes('fixtures'))
    .map((name) => join(directory, name))
    .sort()
}

/** Directories that hold a package of ours, relative to the root. */
function packageDirectories(root: string): string[] {
  const candidates = ['harness', 'test-harness']
  const packages = join(root, 'packages')
  if (existsSync(packages)) candidates.push(...readdirSync(packages).map((name) => `packages/${name}`))
  return candidates.filter((directory) => existsSync(join(root, directory, 'package.json')))
}

export function readLayerTable(): LayerTable {
  return JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')) as LayerTable
}

if (import.meta.main) {
  const problems = checkLayers(fileURLToPath(new URL('..', import.meta.url)), readLayerTable())
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
