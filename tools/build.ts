/** Emits JavaScript for every package with `tsc -b`; run by `npm ci` through the `prepare` script. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const { status, error } = spawnSync(
  process.execPath,
  [compiler, '-b', 'tsconfig.build.json', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit']
  }
)
if (error !== undefined) throw error
process.exitCode = status ?? 1
