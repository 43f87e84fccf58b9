/**
 * Reads what vitest's JSON reporter wrote and prints, as the last line, `N passed, N failed`. A test that was skipped
 * counts as failed unless its name says that it needs what may be absent here (tools/test-needs.ts).
 */
import { readFileSync } from 'node:fs'
import { type Need, allNeeds, needsIn } from './test-needs.ts'

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
  /** For want of what may be absent. */
  readonly skipped: readonly Skip[]
  /** Although what they need has to be there, or without saying what they need. */
  readonly wronglySkipped: readonly Skip[]
}

export interface Skip {
  readonly name: string
  readonly reason: string
}

export function summarize(report: Report, needs: readonly Need[]): Summary {
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const brokenFiles = report.testResults.filter((file) => file.status === 'failed' && allPassed(file))
  const failures = [
    ...report.testResults.flatMap(failuresOf),
    ...brokenFiles.map(({ name, message = '' }) => ({ name, messages: [message] }))
  ]
  const skipped = tests.filter(({ status }) => ['skipped', 'pending', 'disabled'].includes(status))
  const judged = skipped.map(({ fullName }) => judgeSkip(fullName, needs))
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failures.length,
    failures,
    skipped: judged.filter(({ isWrong }) => !isWrong).map(({ skip }) => skip),
    wronglySkipped: judged.filter(({ isWrong }) => isWrong).map(({ skip }) => skip)
  }
}

function judgeSkip(name: string, needs: readonly Need[]): { readonly isWrong: boolean; readonly skip: Skip } {
  const stated = needsIn(name, needs)
  const excuse = stated.find(({ mayBeAbsent }) => mayBeAbsent !== undefined)
  if (excuse !== undefined)
    return { isWrong: false, skip: { name, reason: `${excuse.name}: ${excuse.mayBeAbsent ?? ''}` } }
  const reason =
    stated.length === 0
      ? 'its name does not say what it needs, in the words of tools/test-needs.ts'
      : `${stated.map((need) => need.name).join(', ')}: has to be there (tools/setup-extras --list)`
  return { isWrong: true, skip: { name, reason } }
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

function main(file: string): void {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const summary = summarize(report, allNeeds())
  for (const { name, reason } of summary.skipped) console.log(`skipped: ${name} [${reason}]`)
  for (const { name, reason } of summary.wronglySkipped) console.log(`FAILED, skipped: ${name} [${reason}]`)
  for (const { name, messages } of summary.failures) {
    console.log(`FAILED: ${name}`)
    for (const message of messages)
      console.log(message.slice(0, messageCharactersMax).replaceAll(/^/gmu, '    '))
  }
  if (summary.failed > 0 || summary.wronglySkipped.length > 0) process.exitCode = 1
  console.log(`${summary.passed} passed, ${summary.failed + summary.wronglySkipped.length} failed`)
}

if (import.meta.main) main(process.argv[2] ?? '')
