/**
 * `npm run nightly`: what takes too long for every push. The tests with larger counts (SLOW=1), 500 rounds
 * of kill -9, every scenario. Goes on after a failure and says at the end what failed.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const killRounds = process.env['KILL_ROUNDS'] ?? '500'

function run(name: string, command: readonly string[], more: Readonly<Record<string, string>> = {}): boolean {
  console.log(`== ${name}`)
  const started = performance.now()
  const { status } = spawnSync(process.execPath, [...command], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SLOW: '1', ...more }
  })
  const minutes = ((performance.now() - started) / 60_000).toFixed(1)
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} after ${minutes} min`)
  return status === 0
}

const scenarios = ['--conditions=source', 'test-harness/src/bin.ts']
const simulate = ['--conditions=source', 'packages/simulator/src/bin.ts']
const jobs: readonly Parameters<typeof run>[] = [
  ['build', ['tools/build.ts']],
  ['tests with larger counts', ['node_modules/vitest/vitest.mjs', 'run']],
  ['scenarios', [...scenarios, '--all']],
  ['300 seeds of the simulator', [...simulate, '--seeds', '300', '--nodes', '3', '--hours', '0.1']],
  ['a day of five nodes', [...simulate, '--nodes', '5', '--hours', '24']],
  [`${killRounds} rounds of kill -9`, [...scenarios, 'power-loss'], { KILL_ROUNDS: killRounds }]
]

const failed = jobs.filter((job) => !run(...job)).map(([name]) => name)
console.log(failed.length === 0 ? 'nightly: all passed' : `nightly: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
