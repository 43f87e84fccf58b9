/** `npm run simulate`: runs seeds and prints, for each that fails, the command that repeats it. */
import { parseArgs } from 'node:util'
import { type FaultKind, faultKinds } from './faults.ts'
import { type RunReport, commandOf, runSimulation } from './run.ts'

const usage = `npm run simulate -- [options]

  --seed N        first seed (1)
  --seeds N       how many seeds, one after another (1)
  --nodes N       nodes of the cluster, 1 to 20 (5)
  --hours N       virtual hours, fractions too (1)
  --faults KINDS  of ${faultKinds.join(',')}; none (all of them)
  --trace         print every fault, and what nodes logged when a run fails
  --json          a line of JSON for each seed

Example: npm run simulate -- --seed 7 --nodes 5 --hours 24 --faults net,crash`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
    hours: { type: 'string', default: '1' },
    faults: { type: 'string', default: faultKinds.join(',') },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

function numberOf(name: 'seed' | 'seeds' | 'nodes' | 'hours', least: number, most: number): number {
  const value = Number(values[name])
  if (value >= least && value <= most) return value
  console.error(`--${name} is a number from ${least} to ${most}, not "${values[name]}"`)
  process.exit(2)
}

function kindsOf(text: string): readonly FaultKind[] {
  if (text === 'none') return []
  return text.split(',').map((word) => {
    const kind = faultKinds.find((known) => known === word)
    if (kind !== undefined) return kind
    console.error(`--faults takes ${faultKinds.join(', ')} or none, not "${word}"`)
    return process.exit(2)
  })
}

function show(report: RunReport, seconds: number): void {
  const { violations, acknowledged, faults, leases, terms, digest } = report
  const struck = [...faults.values()].reduce((sum, count) => sum + count, 0)
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`
  console.log(
    `seed ${report.options.seed}: ${verdict}; ${acknowledged} writes, ${leases} leases, ${terms} terms, ${struck} faults, ` +
      `${digest.slice(0, 12)}, ${seconds.toFixed(1)} s`
  )
  if (violations.length === 0) return
  for (const { rule, what } of violations.slice(0, 20)) console.log(`  ${rule}: ${what}`)
  if (values.trace) for (const note of report.notes.slice(-100)) console.log(`  ${note}`)
  console.log(`  again: ${commandOf(report.options)}`)
}

if (values.help) console.log(usage)
else {
  const [first, count] = [numberOf('seed', 0, 2 ** 32), numberOf('seeds', 1, 100_000)]
  const options = {
    nodes: numberOf('nodes', 1, 20),
    hours: numberOf('hours', 0.001, 10_000),
    faults: kindsOf(values.faults)
  }
  for (let seed = first; seed < first + count; seed++) {
    const started = performance.now()
    const trace = (at: number, what: string): void => console.log(`  ${at.toFixed(0)} s: ${what}`)
    const report = await runSimulation({
      ...options,
      seed: String(seed),
      ...(values.trace ? { onEvent: trace } : {})
    })
    if (values.json) {
      const { violations, acknowledged, leases, terms, digest } = report
      const faults = Object.fromEntries(report.faults)
      console.log(
        JSON.stringify({
          seed,
          violations,
          acknowledged,
          leases,
          terms,
          faults,
          digest,
          command: commandOf(report.options)
        })
      )
    } else show(report, (performance.now() - started) / 1000)
    if (report.violations.length > 0) process.exitCode = 1
  }
}
