/**
 * `node --conditions=source tools/wasi-testsuite.ts DIRECTORY [--library LIBWASMTIME]`: runs the prebuilt preview 1
 * programs of github.com/WebAssembly/wasi-testsuite (branch prod/testsuite-base) over our subset of WASI. The suite is
 * not in this repository. Programs that open files, which apps never can, are counted and not run; all others must
 * pass. Prints a line for each that does not, and counts.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { runPreview1Command } from '@blocktree/sandbox/preview1'

/** What a program is to be run with and has to give; what is absent is empty, and 0 for the status. */
interface Expectation {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly dirs?: readonly string[]
  readonly root?: string
  readonly stdout?: string
  readonly stderr?: string
  readonly exit_code?: number
}

/** Outside our subset without a directory in their description, each for a reason. */
const outside: Readonly<Record<string, string>> = {
  'sock_shutdown-invalid_fd': 'sockets are not offered: ENOSYS instead of EBADF',
  'sock_shutdown-not_sock': 'sockets are not offered: ENOSYS instead of ENOTSOCK'
}

function describe(file: string): Expectation {
  const description = file.replace(/\.wasm$/, '.json')
  if (!existsSync(description)) return {}
  const value: unknown = JSON.parse(readFileSync(description, 'utf8'))
  return typeof value === 'object' && value !== null ? value : {}
}

function judge(file: string, expected: Expectation, library: string | undefined): string | undefined {
  const outcome = runPreview1Command({
    module: readFileSync(file),
    engine: library === undefined ? 'v8' : 'wasmtime',
    library,
    arguments: [basename(file), ...(expected.args ?? [])],
    environment: Object.entries(expected.env ?? {}).map(([name, value]) => `${name}=${value}`)
  })
  if (outcome.exitStatus !== (expected.exit_code ?? 0)) {
    return `status ${outcome.exitStatus ?? 'none'}: ${outcome.failure ?? ''} ${outcome.stderr.split('\n')[0] ?? ''}`
  }
  if (expected.stdout !== undefined && outcome.stdout !== expected.stdout) return `stdout ${outcome.stdout}`
  if (expected.stderr !== undefined && outcome.stderr !== expected.stderr) return `stderr ${outcome.stderr}`
  return undefined
}

function main(): number {
  const { values, positionals } = parseArgs({
    options: { library: { type: 'string' } },
    allowPositionals: true
  })
  const [directory] = positionals
  if (directory === undefined) {
    console.error('usage: wasi-testsuite.ts DIRECTORY [--library LIBWASMTIME]')
    return 2
  }
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wasm') && name.includes('wasip1'))
    .toSorted()
  const reasons = new Map<string, number>()
  let passed = 0
  let run = 0
  for (const name of files) {
    const file = join(directory, name)
    const expected = describe(file)
    const reason =
      outside[basename(name, '.wasm')] ??
      (expected.dirs !== undefined || expected.root !== undefined ? 'files are not offered' : undefined)
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      continue
    }
    const problem = judge(file, expected, values.library)
    if (problem === undefined) passed++
    else console.log(`failed  ${name}: ${problem}`)
    run++
  }
  console.log(`programs  ${files.length}`)
  console.log(`passed    ${passed}`)
  console.log(`failed    ${run - passed}`)
  for (const [reason, count] of reasons) console.log(`not run   ${count}: ${reason}`)
  return passed === run ? 0 : 1
}

process.exitCode = main()
