/** What counting fuel costs on wasmtime: the kernels of V8 with the library's own counting and without, in turns. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { installEngine } from '@blocktree/sandbox'
import { runPreview1Command } from '@blocktree/sandbox/preview1'
import wabtInit from 'wabt'
import { median } from '../measure.ts'
import type { Section } from '../section.ts'
import { kernels } from './fuel-kernels.ts'

const plenty = 50_000_000_000
/** More rounds in the kernel than on V8: each run compiles anew, which is not to be seen in the ratio. */
const longer: Readonly<Record<string, number>> = { 'fib(35)': 39, 'sieve of 64 Ki, 300 times': 3000 }

export const fuelWasmtimeSection: Section = {
  name: 'fuel-wasmtime',
  title: 'Counting fuel on wasmtime',
  async run(context) {
    const extras = join(import.meta.dirname, '../../tools/setup-extras')
    const wheel = spawnSync(extras, ['--path', 'libwasmtime'], { encoding: 'utf8' }).stdout.trim()
    if (wheel === '')
      return { figures: [], tables: [], notes: ['libwasmtime is absent (tools/setup-extras).'] }
    const { library } = await installEngine({ file: wheel, directory: join(context.directory, 'engine') })
    const wabt = await wabtInit()
    const runs = context.runs ?? (context.isQuick ? 3 : 7)
    const figures = kernels.map(({ name, argument, text }) => {
      context.progress(name)
      const start = `(func (export "_start") (drop (call 0 (i32.const ${longer[name] ?? argument})))))`
      const command = text.trimEnd().replace(/\)$/, start)
      const module = Uint8Array.from(wabt.parseWat(name, command, { bulk_memory: true }).toBinary({}).buffer)
      const ratios = Array.from({ length: runs + 1 }, () => {
        const plainMs = time(module, library, 'uncounted')
        return time(module, library, plenty) / plainMs
      })
      return {
        name: `${/^\w+/.exec(name)?.[0] ?? name}: time with fuel for 1 without`,
        value: median(ratios.slice(1)),
        unit: '',
        target: { bound: 'at most', value: 2 } as const
      }
    })
    return {
      figures,
      tables: [],
      notes: [`Processor time, medians of ${runs} rounds; compiling is in both.`]
    }
  }
}

/** Processor time of this process in milliseconds. */
function time(module: Uint8Array, library: string, fuel: number | 'uncounted'): number {
  const before = process.cpuUsage()
  const words = { arguments: [], environment: [] }
  const { exitStatus, failure } = runPreview1Command({ module, engine: 'wasmtime', library, fuel, ...words })
  if (exitStatus !== 0) throw new Error(`the kernel failed: ${failure ?? String(exitStatus)}`)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
