/**
 * Runs a WASI preview 1 command (`_start`) on an engine in this process: for external test suites, with trusted modules
 * alone. Apps are never run like this.
 */
import { clampModule, instrumentModule } from '@blocktree/wasm-module'
import { type EngineInstance, GuestFault } from './engine.ts'
import type { EngineName } from './frame-type.ts'
import { defaultRunLimits } from './limits.ts'
import { preview1Imports } from './preview1.ts'
import { createV8Engine } from './v8-engine.ts'
import { createWasmtimeEngine } from './wasmtime-engine.ts'

export interface Preview1Command {
  readonly module: Uint8Array
  readonly engine: EngineName
  readonly library: string | undefined
  readonly arguments: readonly string[]
  readonly environment: readonly string[]
  /** Default: as an app has. `uncounted`: wasmtime counts none, to measure what counting costs. */
  readonly fuel?: number | 'uncounted'
}

export interface Preview1Outcome {
  /** undefined when it trapped or does not link. */
  readonly exitStatus: number | undefined
  readonly failure: string | undefined
  readonly stdout: string
  readonly stderr: string
}

const memoryPages = 1024
const tableElements = 10_000

export function runPreview1Command(command: Preview1Command): Preview1Outcome {
  const output = { 1: '', 2: '' }
  const linked: { instance?: EngineInstance } = {}
  const sleeping = new Int32Array(new SharedArrayBuffer(4))
  const imports = preview1Imports(() => linked.instance?.memory() ?? new Uint8Array(0), {
    arguments: command.arguments,
    environment: command.environment,
    log(stream, text) {
      output[stream] += new TextDecoder().decode(text)
    },
    randomFill(target) {
      for (let at = 0; at < target.length; at += 65_536) {
        const part = target.subarray(at, at + 65_536)
        part.set(crypto.getRandomValues(new Uint8Array(part.length)))
      }
    },
    realTime: () => BigInt(Date.now()) * 1_000_000n,
    monotonicTime: () => process.hrtime.bigint(),
    sleep: (milliseconds) => void Atomics.wait(sleeping, 0, 0, milliseconds)
  })
  const done = (exitStatus: number | undefined, failure?: string): Preview1Outcome => ({
    exitStatus,
    failure,
    stdout: output[1],
    stderr: output[2]
  })
  try {
    const { fuel = defaultRunLimits.fuel } = command
    const countsFuel = fuel !== 'uncounted'
    const isV8 = command.engine === 'v8'
    const engine = isV8 ? createV8Engine() : createWasmtimeEngine(command.library, { countsFuel })
    const module = isV8 ? instrumentModule(command.module) : clampModule(command.module)
    linked.instance = engine.instantiate({
      module,
      imports,
      memoryPages,
      tableElements,
      fuel: countsFuel ? fuel : Number.MAX_SAFE_INTEGER
    })
    linked.instance.call('_start', [], undefined)
    return done(0)
  } catch (error) {
    if (error instanceof GuestFault) return done(error.exitStatus, error.message)
    return done(undefined, error instanceof Error ? error.message : String(error))
  }
}
