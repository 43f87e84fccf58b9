/** `npm run scenario -- NAME [--seed N] [--scale N] [--keep]`, or `--list`. */
import { parseArgs } from 'node:util'
import { runScenario, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    seed: { type: 'string' },
    scale: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false }
  }
})

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function chosen(): readonly Scenario[] {
  if (values.all) return scenarios
  return positionals.map((name) => {
    const scenario = scenarios.find((candidate) => candidate.name === name)
    if (scenario === undefined) throw new Error(`there is no scenario "${name}"; --list names them`)
    return scenario
  })
}

async function runAll(): Promise<void> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  for (const scenario of chosen()) {
    const missing = scenario.missing?.()
    if (missing !== undefined) {
      print(`${scenario.name}: skipped, ${missing}`)
      continue
    }
    print(`${scenario.name} (seed ${seed})`)
    const report = await runScenario(scenario, {
      seed,
      scale: Number(values.scale),
      keep: values.keep,
      onStep: (name) => print(`  ${name}`)
    })
    for (const [name, value] of Object.entries(report.figures)) print(`  = ${name}: ${value}`)
    print(`  passed, ${report.steps} steps in ${(report.durationMs / 1000).toFixed(1)} s`)
    if (values.keep) print(`  kept in ${report.directory}`)
  }
}

if (values.list || (positionals.length === 0 && !values.all)) {
  for (const scenario of scenarios) print(`${scenario.name.padEnd(22)} ${scenario.summary}`)
} else {
  await runAll()
}
