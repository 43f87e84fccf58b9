import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allNeeds, needsIn, needsOfExtras } from '../test-needs.ts'
import { summarize } from '../test-report.ts'

type Report = Parameters<typeof summarize>[0]

function file(status: string, tests: Record<string, string>): Report['testResults'][number] {
  return {
    name: 'a.test.ts',
    status,
    assertionResults: Object.entries(tests).map(([fullName, outcome]) => ({ fullName, status: outcome }))
  }
}

const here = allNeeds()
const needs = [{ name: 'etcd-server' }, { name: 'eris-go', mayBeAbsent: 'nobody has it' }]

function skipsOf(...names: readonly string[]): { allowed: readonly string[]; wrong: readonly string[] } {
  const testResults = [file('passed', Object.fromEntries(names.map((name) => [name, 'skipped'])))]
  const { skipped, wronglySkipped } = summarize({ testResults }, needs)
  return { allowed: skipped.map(({ name }) => name), wrong: wronglySkipped.map(({ name }) => name) }
}

describe('summarize', () => {
  test('counts passed and failed tests and a file that could not be loaded', () => {
    const testResults = [
      file('passed', { one: 'passed', 'two (needs eris-go)': 'skipped' }),
      file('failed', { three: 'failed' }),
      file('failed', {})
    ]
    expect(summarize({ testResults }, needs)).toEqual({
      passed: 1,
      failed: 2,
      failures: [
        { name: 'a.test.ts: three', messages: [] },
        { name: 'a.test.ts', messages: [''] }
      ],
      skipped: [{ name: 'two (needs eris-go)', reason: 'eris-go: nobody has it' }],
      wronglySkipped: []
    })
  })

  test('lets a test be skipped that needs what may be absent', () => {
    const name = 'eris-go (needs eris-go) as a stranger encodes'
    expect(skipsOf(name)).toEqual({ allowed: [name], wrong: [] })
  })

  test('objects to a skipped test that needs what has to be there', () => {
    const name = 'the etcd coordinator (needs etcd-server) one lock, one holder'
    expect(skipsOf(name)).toEqual({ allowed: [], wrong: [name] })
  })

  test('objects to a skipped test that does not say what it needs, or in words that nobody knows', () => {
    const names = ['encodes', 'etcd-server takes a lock', 'mounts (needs a good day)']
    expect(skipsOf(...names)).toEqual({ allowed: [], wrong: names })
  })
})

describe('needsIn', () => {
  const words = (name: string): readonly string[] =>
    needsIn(name, [{ name: 'clang' }, { name: 'lld' }, { name: 'the same clang' }]).map((need) => need.name)

  test('finds all that is stated behind "needs"', () => {
    expect(words('clang: the page (needs clang and lld)')).toEqual(['clang', 'lld'])
    expect(words('level bwrap, needs lld: it ended with 1')).toEqual(['lld'])
  })

  test('takes the longest name, and no part of a word', () => {
    expect(words('byte for byte (needs the same clang)')).toEqual(['the same clang'])
    expect(words('a page (needs clang-19)')).toEqual([])
  })
})

describe('needsOfExtras', () => {
  test('lets be absent what the platform has no package of, and nothing else', () => {
    const list = 'age\tpresent\trow\nfaketime\tabsent\tclock\nlibwasmtime\tunavailable\tengine\n'
    expect(needsOfExtras(list)).toEqual([
      { name: 'age' },
      { name: 'faketime' },
      { name: 'libwasmtime', mayBeAbsent: 'this platform has no such package' }
    ])
  })
})

describe('tools/test-report.ts', () => {
  const run = (tests: Record<string, string>): { status: number | null; lines: readonly string[] } => {
    const directory = mkdtempSync(join(tmpdir(), 'blocktree-report-'))
    try {
      const report = join(directory, 'report.json')
      writeFileSync(report, JSON.stringify({ testResults: [file('passed', tests)] }))
      const program = join(import.meta.dirname, '..', 'test-report.ts')
      const { status, stdout } = spawnSync(process.execPath, [program, report], { encoding: 'utf8' })
      return { status, lines: stdout.trimEnd().split('\n') }
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  test('ends well when all passed but what may be absent', () => {
    const { status, lines } = run({ one: 'passed', 'two (needs eris-go)': 'skipped' })
    expect([status, lines.at(-1)]).toEqual([0, '1 passed, 0 failed'])
    expect(lines[0]).toMatch(/^skipped: two \(needs eris-go\)/)
  })

  test.each(here.filter(({ mayBeAbsent }) => mayBeAbsent === undefined))(
    'fails for a test that was skipped for want of $name',
    ({ name }) => {
      const testResults = [file('passed', { [`a test (needs ${name})`]: 'skipped' })]
      expect(summarize({ testResults }, here).wronglySkipped).toHaveLength(1)
    }
  )

  test('fails, and says which, for a test that was skipped', () => {
    const { status, lines } = run({ one: 'passed', 'two (needs root)': 'skipped' })
    expect([status, lines.at(-1)]).toEqual([1, '1 passed, 1 failed'])
    expect(lines[0]).toMatch(/^FAILED, skipped: two \(needs root\)/)
  })
})
