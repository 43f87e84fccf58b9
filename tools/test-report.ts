/**
 * Reads what vitest's JSON reporter wrote and prints, as the last line, `N passed, N failed`. Fails when a
 * test was skipped for want of something that is present: such a test says in its name what it needs, as
 * `needs restic` for what `tools/setup-extras` brings, or `shared/vectors` for the vectors of others.
 * Further arguments are such words: tests that need these must run, whether it is present or not.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Report {
  readonly testResults: readonly FileResult[]
}

interface FileResult {
  readonly name: string
  readonly status: string
  readonly message?: string
  readonly assertionResults: readonly TestResult[]
}

interface TestResult {
  readonly fullName: string
  readonly status: string
  readonly failureMessages?: readonly string[]
}

/** What went wrong, so that it can be read at the end of a long log. */
export interface Failure {
  readonly name: string
  readonly messages: readonly string[]
}

export interface Summary {
  readonly passed: number
  readonly failed: number
  readonly failures: readonly Failure[]
  readonly skipped: readonly string[]
  /** Skipped although what they need is there, or must be. */
  readonly wronglySkipped: readonly string[]
}

/** @param present words whose thing is there, as they stand in the names of the tests that need it */
export function summarize(report: Report, present: readonly string[]): Summary {
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const brokenFiles = report.testResults.filter((file) => file.status === 'failed' && allPassed(file))
  const failures = [
    ...report.testResults.flatMap(failuresOf),
    ...brokenFiles.map(({ name, message = '' }) => ({ name, messages: [message] }))
  ]
  const skipped = tests.filter(({ status }) => ['skipped', 'pending', 'disabled'].includes(status))
  const names = skipped.map(({ fullName }) => fullName)
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failures.length,
    failures,
    skipped: names,
    wronglySkipped: names.filter((name) => present.some((word) => name.includes(word)))
  }
}

function failuresOf({ name, assertionResults }: FileResult): readonly Failure[] {
  return assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages = [] }) => ({
      name: `${name}: ${fullName}`,
      messages: failureMessages
    }))
}

/** A file that failed although none of its tests did: it could not be loaded. */
function allPassed(file: FileResult): boolean {
  return !file.assertionResults.some(({ status }) => status === 'failed')
}

const messageCharactersMax = 4000

function presentThings(root: string): string[] {
  const listed = spawnSync(`${root}tools/setup-extras`, ['--list'], { encoding: 'utf8' }).stdout
  const rows = listed.split('\n').map((line) => line.split('\t'))
  const extras = rows.filter(([, state]) => state === 'present').map(([name = '']) => `needs ${name}`)
  return existsSync(`${root}../shared/vectors`) ? [...extras, 'shared/vectors'] : extras
}

function main([file = '', ...required]: readonly string[]): void {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const summary = summarize(report, [...presentThings(root), ...required])
  for (const name of summary.skipped) console.log(`skipped: ${name}`)
  for (const name of summary.wronglySkipped)
    console.log(`WRONG, what it needs is present or required: ${name}`)
  for (const { name, messages } of summary.failures) {
    console.log(`FAILED: ${name}`)
    for (const message of messages)
      console.log(message.slice(0, messageCharactersMax).replaceAll(/^/gmu, '    '))
  }
  if (summary.failed > 0 || summary.wronglySkipped.length > 0) process.exitCode = 1
  console.log(`${summary.passed} passed, ${summary.failed + summary.wronglySkipped.length} failed`)
}

if (import.meta.main) main(process.argv.slice(2))
