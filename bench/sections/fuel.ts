/** What counting fuel costs on V8: three kernels as written and instrumented, in one process, in turns. */
import { type RewriteLimits, instrumentModule, rewriteLimitsDefault } from '@blocktree/wasm-module'
import wabtInit from 'wabt'
import { median } from '../measure.ts'
import type { Section } from '../section.ts'
import { type Kernel, kernels } from './fuel-kernels.ts'

interface Exports {
  readonly run: (argument: number) => number
  readonly __bt_fuel?: { value: bigint }
}

interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Exports }
}

const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }

const plenty = 1n << 60n
const limits: RewriteLimits = { ...rewriteLimitsDefault, memoryPages: 16 }

interface Measured {
  readonly name: string
  readonly plainMs: number
  readonly fuelMs: number
  /** Median of the ratios of each round, whose two halves ran one after the other. */
  readonly ratio: number
  readonly units: bigint
  readonly growth: number
}

export const fuelSection: Section = {
  name: 'fuel',
  title: 'Counting fuel on V8',
  async run(context) {
    const wabt = await wabtInit()
    const runs = context.runs ?? (context.isQuick ? 5 : 31)
    const measured = kernels.map((kernel) => {
      context.progress(kernel.name)
      const binary = Uint8Array.from(wabt.parseWat(kernel.name, kernel.text, {}).toBinary({}).buffer)
      return measureKernel(kernel, binary, runs)
    })
    return {
      figures: measured.map(({ name, ratio }) => ({
        name: `${name}: time with fuel for 1 without`,
        value: ratio,
        unit: '',
        target: { bound: 'at most', value: 1.3 }
      })),
      tables: [
        {
          title: 'Kernels',
          head: ['kernel', 'plain, ms', 'with fuel, ms', 'ratio', 'units, million', 'bytes, ratio'],
          rows: measured.map(({ name, plainMs, fuelMs, ratio, units, growth }) => [
            name,
            plainMs.toFixed(1),
            fuelMs.toFixed(1),
            ratio.toFixed(2),
            (Number(units) / 1e6).toFixed(0),
            growth.toFixed(2)
          ])
        }
      ],
      notes: [
        `Processor time, medians of ${runs} rounds after 5 to warm up; in each round the plain and the instrumented kernel run one after the other, and the ratio is that of the round. fib(35) is recursion without work, xorshift a chain of dependent operations, the sieve memory accesses in short loops.`
      ]
    }
  }
}

function measureKernel({ name, argument }: Kernel, plain: Uint8Array, runs: number): Measured {
  const instrumented = instrumentModule(plain, limits)
  const before = new engine.Instance(new engine.Module(plain)).exports
  const after = new engine.Instance(new engine.Module(instrumented)).exports
  const counter = after.__bt_fuel
  if (counter === undefined) throw new Error(`${name} counts no fuel`)
  counter.value = plenty
  if (before.run(argument) !== after.run(argument)) throw new Error(`${name} has another result with fuel`)
  const units = plenty - counter.value
  const rounds: { readonly plainMs: number; readonly fuelMs: number }[] = []
  for (let round = -5; round < runs; round++) {
    const plainMs = time(() => before.run(argument))
    counter.value = plenty
    const fuelMs = time(() => after.run(argument))
    if (round >= 0) rounds.push({ plainMs, fuelMs })
  }
  return {
    name,
    plainMs: median(rounds.map(({ plainMs }) => plainMs)),
    fuelMs: median(rounds.map(({ fuelMs }) => fuelMs)),
    ratio: median(rounds.map(({ plainMs, fuelMs }) => fuelMs / plainMs)),
    units,
    growth: instrumented.length / plain.length
  }
}

/** Processor time of this process in milliseconds. */
function time(run: () => void): number {
  const { user, system } = process.cpuUsage()
  run()
  const spent = process.cpuUsage({ user, system })
  return (spent.user + spent.system) / 1000
}
