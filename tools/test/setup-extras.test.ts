import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../setup-extras', import.meta.url))

describe('tools/setup-extras', () => {
  test('is a script that the shell can read', () => {
    expect(execFileSync('bash', ['-n', script], { encoding: 'utf8' })).toBe('')
  })

  test('lists each package with its state and its purpose', () => {
    const lines = execFileSync('bash', [script, '--list'], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+\t(present|absent)\t\S.+$/)
  })

  test('refuses a name that it does not know', () => {
    expect(() => execFileSync('bash', [script, 'nonsense'], { stdio: 'pipe' })).toThrow(
      'unknown name "nonsense"'
    )
  })
})
