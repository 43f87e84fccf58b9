/**
 * Writes the tables of doc/LIMITS.md from the `limits.ts` of every package, so that the document cannot
 * disagree with the code: name, value and the reason in the comment beside it. `--check` only compares.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

interface Limit {
  readonly name: string
  readonly value: number
  readonly reason: string
}

const begin = '<!-- tables: written by `npm run limits` -->'
const end = '<!-- end of tables -->'

/** Exported constants of one `limits.ts`, in the order of the file; those that are no number are left out. */
export function readLimits(source: string, values: Readonly<Record<string, unknown>>): Limit[] {
  const limits: Limit[] = []
  const lines = source.split('\n')
  for (const [index, line] of lines.entries()) {
    const name = /^export const (\w+)/.exec(line)?.[1]
    const value = name === undefined ? undefined : values[name]
    if (name === undefined || typeof value !== 'number') continue
    limits.push({ name, value, reason: reasonOf(lines, index) })
  }
  return limits
}

/** The comment at the end of the line (or of the statement's last line), else the one above it. */
function reasonOf(lines: readonly string[], index: number): string {
  const beside = /\s\/\/ (.*)$/.exec(lines[index] ?? '')?.[1]
  if (beside !== undefined) return beside
  const above: string[] = []
  for (let at = index - 1; at >= 0; at--) {
    const line = (lines[at] ?? '').trim()
    const text = /^(?:\/\*\*|\/\/|\*\/?)\s?(.*?)\s*(?:\*\/)?$/.exec(line)?.[1]
    if (text === undefined) break
    above.unshift(text)
    if (line.startsWith('/**')) break
  }
  return above.join(' ').trim()
}

function formatValue(value: number): string {
  const exact = Number.isInteger(value) ? value.toLocaleString('en-US') : String(value)
  if (value === Number.MAX_SAFE_INTEGER) return `${exact} (2^53-1)`
  const power = Math.round(Math.log2(value))
  return value >= 1024 && 2 ** power === value ? `${exact} (2^${power})` : exact
}

function formatTable(packageName: string, limits: readonly Limit[]): string {
  const rows = limits.map(
    ({ name, value, reason }) => `| \`${name}\` | ${formatValue(value)} | ${reason.replaceAll('|', '\\|')} |`
  )
  return [`### ${packageName}`, '', '| name | value | why |', '| --- | --- | --- |', ...rows].join('\n')
}

async function tables(root: string): Promise<string> {
  const packages = readdirSync(`${root}packages`).map((name) => ({ name, directory: `packages/${name}` }))
  packages.push({ name: 'harness', directory: 'harness' })
  const parts: string[] = []
  for (const { name, directory } of packages.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const file = `${root}${directory}/src/limits.ts`
    if (!existsSync(file)) continue
    const values: unknown = await import(pathToFileURL(file).href)
    const limits = readLimits(readFileSync(file, 'utf8'), values as Record<string, unknown>)
    if (limits.length > 0) parts.push(formatTable(name, limits))
  }
  return parts.join('\n\n')
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const file = `${root}doc/LIMITS.md`
  const current = readFileSync(file, 'utf8')
  const before = current.split(begin)[0] ?? ''
  const after = current.split(end)[1] ?? '\n'
  const wanted = `${before}${begin}\n\n${await tables(root)}\n\n${end}${after}`
  if (wanted === current) return
  if (process.argv.includes('--check')) {
    console.error('doc/LIMITS.md does not agree with the limits.ts of the packages; run: npm run limits')
    process.exitCode = 1
  } else writeFileSync(file, wanted)
}

if (import.meta.main) await main()
