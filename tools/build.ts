/** Emits JavaScript for every package with `tsc -b`; run by `npm ci` through the `prepare` script. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What has not changed is skipped by `tsc -b` itself. The compiler's messages go to stderr, since stdout
 * of `npm start` belongs to the protocol.
 * @returns the compiler's exit code
 */
export function build(options: readonly string[] = []): number {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  const result = spawnSync(process.execPath, [compiler, '-b', 'tsconfig.build.json', ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2]
  })
  if (result.error !== undefined) throw result.error
  return result.status ?? 1
}

if (import.meta.main) process.exitCode = build(process.argv.slice(2))
