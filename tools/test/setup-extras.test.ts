import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { enginePins, pinnedEngineVersion } from '../../packages/sandbox/src/engine-pins.ts'

const script = fileURLToPath(new URL('../setup-extras', import.meta.url))

describe('tools/setup-extras', () => {
  test('is a script that the shell can read', () => {
    expect(execFileSync('bash', ['-n', script], { encoding: 'utf8' })).toBe('')
  })

  test('lists each package with its state and its purpose', () => {
    const lines = execFileSync('bash', [script, '--list'], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+\t(present|absent|unavailable)\t\S.+$/)
  })

  test('takes the wheel that the engine is pinned to, and says where it lies', () => {
    const here = enginePins.filter(({ platform }) => platform === 'linux-x64') // where the suites run
    const pins = here.map(({ wheel, wheelSha256 }) => [
      'libwasmtime',
      `wasmtime==${pinnedEngineVersion}`,
      wheel,
      wheelSha256
    ])
    expect(pins.map((pin) => pin.join('  '))).toEqual(
      readFileSync(script, 'utf8')
        .split('\n')
        .filter((line) => line.includes('.whl'))
    )
    const { status, stdout } = spawnSync('bash', [script, '--path', 'libwasmtime'], { encoding: 'utf8' })
    expect(status === 0).toBe(stdout !== '')
    expect(spawnSync('bash', [script, '--path', 'restic']).status).toBe(1)
  })

  test('refuses a name that it does not know', () => {
    expect(() => execFileSync('bash', [script, 'nonsense'], { stdio: 'pipe' })).toThrow(
      'unknown name "nonsense"'
    )
  })
})
