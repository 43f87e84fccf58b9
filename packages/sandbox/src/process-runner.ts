/**
 * The runner behind which real nodes put apps: one or more child processes each, confined as strongly as the machine
 * and the node's configuration say.
 */
import type { AppRunner, AppRunOptions, RunningApp } from '@blocktree/app-package'
import { childProgramPath } from './child-program.ts'
import type { EngineName } from './frame-type.ts'
import { clampRunLimits } from './limits.ts'
import { prepareModule } from './prepare-module.ts'
import { type LevelReport, probeLevels } from './probe-levels.ts'
import { SandboxApp } from './sandbox-app.ts'
import { SandboxChild } from './sandbox-child.ts'
import { SandboxError } from './sandbox-error.ts'
import { buildSeccompFilter } from './seccomp-filter.ts'
import { buildSpawnCommand, libraryPathInside, type SandboxLevel, sandboxLevels } from './spawn-command.ts'

export interface ProcessRunnerOptions {
  /** The level to use; the strongest that works when absent. */
  readonly level?: SandboxLevel
  /** Refuses to run anything below this level. */
  readonly requiredLevel?: SandboxLevel
  /** `wasmtime` needs `library`. When absent: wasmtime if there is a library, else v8. */
  readonly engine?: EngineName
  /** File of libwasmtime, from `findEngine`. */
  readonly library?: string
  /** The bundled child program; the one of this build when absent. */
  readonly program?: string
  /** From an earlier `probeLevels`; probed here when absent. */
  readonly levels?: LevelReport
}

export interface ProcessRunner extends AppRunner {
  readonly engine: EngineName
  readonly level: SandboxLevel
  readonly levels: LevelReport
}

/** Throws SandboxError ERR_SANDBOX_LEVEL when the level cannot be had, ERR_SANDBOX_ENGINE without a library. */
export function createProcessRunner(options: ProcessRunnerOptions = {}): ProcessRunner {
  const seccompFilter = buildSeccompFilter()
  const levels = options.levels ?? probeLevels({ hasFilter: seccompFilter !== undefined })
  const level = chooseLevel(options, levels)
  const { library } = options
  const engine = options.engine ?? (library === undefined ? 'v8' : 'wasmtime')
  if (engine === 'wasmtime' && library === undefined) {
    throw new SandboxError(
      'ERR_SANDBOX_ENGINE',
      'engine wasmtime is not installed; run "engine install wasmtime", or use v8'
    )
  }
  const program = options.program ?? childProgramPath()
  return {
    engine,
    level,
    levels,
    async start(app) {
      return await startApp(app, { level, levels, engine, library, program, seccompFilter })
    }
  }
}

interface Ground {
  readonly level: SandboxLevel
  readonly levels: LevelReport
  readonly engine: EngineName
  readonly library: string | undefined
  readonly program: string
  readonly seccompFilter: Uint8Array | undefined
}

async function startApp(app: AppRunOptions, ground: Ground): Promise<RunningApp> {
  const { level, levels, engine, library, program, seccompFilter } = ground
  const limits = clampRunLimits(app.limits)
  const module = await prepareModule(app, engine, limits)
  const command = buildSpawnCommand({
    level,
    engine,
    program,
    library: engine === 'wasmtime' ? library : undefined,
    memoryBytes: limits.memoryBytes,
    tableElements: limits.tableElements,
    payloadBytes: limits.payloadBytes,
    tools: levels.tools
  })
  const running = new SandboxApp({
    app,
    limits,
    engine,
    level,
    createChild: (own) =>
      SandboxChild.spawn({
        ...own,
        name: app.name,
        engine,
        command,
        library: libraryPathInside(level, library),
        seccompFilter,
        module,
        limits,
        onHostCall: (call) => app.onHostCall(call)
      })
  })
  try {
    await running.begin()
    return running
  } catch (error) {
    await running.stop()
    throw error
  }
}

function chooseLevel(
  { level, requiredLevel }: ProcessRunnerOptions,
  { available, reasons }: LevelReport
): SandboxLevel {
  const chosen = level ?? available.at(-1) ?? 'process'
  if (!available.includes(chosen)) {
    throw new SandboxError(
      'ERR_SANDBOX_LEVEL',
      `level ${chosen} cannot be had here: ${reasons[chosen] ?? 'unknown'}`
    )
  }
  if (requiredLevel !== undefined && sandboxLevels.indexOf(chosen) < sandboxLevels.indexOf(requiredLevel)) {
    const reason = reasons[requiredLevel] ?? `level ${chosen} was asked for`
    throw new SandboxError(
      'ERR_SANDBOX_LEVEL',
      `level ${requiredLevel} is required and ${chosen} is what there is: ${reason}`
    )
  }
  return chosen
}
