/**
 * What `blocktree app simulate` starts: one packed app, a file or stdin, in the simulator; its steps as they happen, and the
 * verdict. A program of its own, since the command stands below the simulator (tools/layers.json).
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { AppEvent } from './app/app-cluster.ts'
import { parseScript } from './app/app-script.ts'
import { type AppFaultKind, type AppRunReport, appFaultKinds, runApp } from './app/run-app.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '2' },
    hours: { type: 'string' },
    faults: { type: 'string', default: 'crash,net' },
    script: { type: 'string' },
    json: { type: 'boolean', default: false },
    /** The command that is shown to run it again. */
    again: { type: 'string', default: '' }
  }
})

class UsageError extends Error {
  readonly code = 'ERR_OPTION_VALUE'
}

function numberOf(name: string, text: string, least: number, most: number, isWhole: boolean): number {
  const value = Number(text)
  if (text !== '' && value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value
  throw new UsageError(
    `--${name} is a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}"`
  )
}

function kindsOf(text: string): readonly AppFaultKind[] {
  if (text === 'none') return []
  return text.split(',').map((word) => {
    const kind = appFaultKinds.find((known) => known === word)
    if (kind !== undefined) return kind
    throw new UsageError(`--faults takes ${appFaultKinds.join(', ')} or none, not "${word}"`)
  })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** What an app or a request brings must not steer a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`)
}

function show({ seconds, kind, node, text }: AppEvent): void {
  if (values.json) return
  say(printable(`${seconds.toFixed(1).padStart(8)} s  ${(node ?? '').padEnd(7)} ${kind}: ${text}`))
}

function conclude(report: AppRunReport): void {
  const { app, version, violations, answered, lost, writes, faults, digest } = report
  if (values.json) {
    const facts = { app, version, seed: values.seed, violations, answered, lost, writes, faults, digest }
    say(JSON.stringify({ ...facts, command: values.again, events: report.events }))
    return
  }
  for (const { rule, what } of violations.slice(0, 20)) say(printable(`violated: ${rule}: ${what}`))
  if (violations.length > 20) say(`and ${violations.length - 20} more`)
  const verdict = violations.length === 0 ? 'every rule held' : `${violations.length} VIOLATIONS`
  const struck = Object.values(faults).reduce((sum, count) => sum + count, 0)
  say(
    printable(
      `${app} ${version}, seed ${values.seed}: ${verdict}; ${answered} answers, ${lost} lost with their node, ${writes} writes, ${struck} faults`
    )
  )
  if (values.script === undefined && writes === 0)
    say('the app kept nothing: requests made up from its routes did not make it; send it a script')
  say(`digest ${digest}`)
  say(`again: ${printable(values.again)}`)
}

async function simulate(): Promise<void> {
  const nodes = numberOf('nodes', values.nodes, 1, 20, true)
  const faults = kindsOf(values.faults)
  numberOf('seed', values.seed, 0, Number.MAX_SAFE_INTEGER, true)
  const steps =
    values.script === undefined ? undefined : parseScript(readFileSync(values.script, 'utf8'), nodes)
  const lastStep = Math.max(0, ...(steps ?? []).map(({ at }) => at))
  const hoursOfScript = (lastStep + 60) / 3600
  const hours =
    values.hours === undefined
      ? steps === undefined
        ? 1
        : hoursOfScript
      : numberOf('hours', values.hours, 0.001, 10_000, false)
  if (hours * 3600 < lastStep)
    throw new UsageError(`--hours ${hours} ends before the last step of the script, at ${lastStep} s`)
  const report = await runApp({
    package: new Uint8Array(readFileSync(positionals[0] ?? 0)),
    seed: values.seed,
    nodes,
    hours,
    faults,
    ...(steps === undefined ? {} : { steps }),
    onEvent: show
  })
  conclude(report)
  if (report.violations.length > 0) process.exitCode = 1
}

try {
  await simulate()
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERR_UNEXPECTED'
  const message = error instanceof Error ? error.message : String(error)
  if (values.json) say(JSON.stringify({ error: { code, message } }))
  else process.stderr.write(`${printable(`blocktree: ${code}: ${message}`)}\n`)
  process.exitCode = code === 'ERR_OPTION_VALUE' || code === 'ERR_SIMULATION_SCRIPT' ? 2 : 1
}
