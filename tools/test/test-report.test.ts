import { expect, test } from 'vitest'
import { summarize } from '../test-report.ts'

function file(
  status: string,
  tests: Record<string, string>
): Parameters<typeof summarize>[0]['testResults'][number] {
  return {
    name: 'a.test.ts',
    status,
    assertionResults: Object.entries(tests).map(([fullName, outcome]) => ({ fullName, status: outcome }))
  }
}

test('counts passed and failed tests and a file that could not be loaded', () => {
  const testResults = [
    file('passed', { one: 'passed', two: 'skipped' }),
    file('failed', { three: 'failed' }),
    file('failed', {})
  ]
  expect(summarize({ testResults }, [])).toEqual({
    passed: 1,
    failed: 2,
    failures: [
      { name: 'a.test.ts: three', messages: [] },
      { name: 'a.test.ts', messages: [''] }
    ],
    skipped: ['two'],
    wronglySkipped: []
  })
})

test('objects to a skipped test whose need is present, and only to that', () => {
  const testResults = [
    file('passed', { 'restore (needs restic)': 'skipped', 'mount (needs gocryptfs)': 'pending' })
  ]
  expect(summarize({ testResults }, ['needs restic']).wronglySkipped).toEqual(['restore (needs restic)'])
})
