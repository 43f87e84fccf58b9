/**
 * `npm run check`: everything that judges the repository, one line a step, the output of a step only when
 * it fails. `--fast` leaves out the tests, as `.ci/run` does, which has just run them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Step {
  readonly name: string
  /** Arguments of Node: a script and what it takes. */
  readonly command: readonly string[]
  /** Why the step is left out, when it is. */
  readonly skipped?: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const directories = ['packages', 'apps', 'harness', 'test-harness', 'tools', 'bench'].filter((name) =>
  existsSync(root + name)
)
const rootFiles = ['vitest.config.ts', 'tsconfig.json', '.oxlintrc.json', '.oxfmtrc.json', 'knip.json']

function steps(fast: boolean): Step[] {
  const vectors = 'tools/make-vectors.ts'
  return [
    { name: 'format', command: ['node_modules/oxfmt/bin/oxfmt', '--check', ...directories, ...rootFiles] },
    { name: 'lint', command: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--quiet', ...directories] },
    {
      name: 'types of sources and tests',
      command: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']
    },
    { name: 'build', command: ['tools/build.ts'] },
    { name: 'layers', command: ['tools/check-layers.ts'] },
    { name: 'unused code and dependencies', command: ['node_modules/knip/bin/knip.js', '--no-progress'] },
    { name: 'limits document', command: ['--conditions=source', 'tools/limits-document.ts', '--check'] },
    {
      name: 'reference documents',
      command: ['--conditions=source', 'tools/reference-documents.ts', '--check']
    },
    { name: 'specification vectors', command: ['--conditions=source', vectors, '--check'] },
    {
      name: 'tests',
      command: ['node_modules/vitest/vitest.mjs', 'run'],
      ...(fast ? { skipped: 'left out by --fast' } : {})
    }
  ]
}

/** @returns whether the step passed or was left out */
function runStep(step: Step): boolean {
  const label = step.name.padEnd(30)
  if (step.skipped !== undefined) {
    console.log(`skip  ${label} ${step.skipped}`)
    return true
  }
  const started = performance.now()
  const result = spawnSync(process.execPath, [...step.command], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: {
      ...process.env,
      FORCE_COLOR: process.stdout.isTTY ? '1' : '0',
      NO_COLOR: process.stdout.isTTY ? '' : '1'
    }
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const passed = result.status === 0
  console.log(`${passed ? 'ok   ' : 'FAIL '} ${label} ${seconds} s`)
  if (!passed) console.log(`${result.stdout}${result.stderr}${result.error?.message ?? ''}`.trimEnd())
  return passed
}

const failed = steps(process.argv.includes('--fast')).filter((step) => !runStep(step))
if (failed.length > 0) {
  console.log(`\n${failed.length} of the steps failed: ${failed.map(({ name }) => name).join(', ')}`)
  process.exitCode = 1
}
