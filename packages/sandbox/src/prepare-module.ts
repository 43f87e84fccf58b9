/** From the author's module to the one that an engine runs. */
import { AppRunError, type AppRunLimits, type AppRunOptions } from '@blocktree/app-package'
import { ModuleError, type RewriteLimits, rewriteLimitsDefault } from '@blocktree/wasm-module'
import type { EngineName } from './frame-type.ts'
import { rewriteModuleApart } from './module-thread.ts'

const wasmPageBytes = 65_536

/** What the engine is given: with fuel for V8, and clamped bounds for both. @throws ERR_RUN_MODULE */
export async function prepareModule(
  app: Pick<AppRunOptions, 'name' | 'module' | 'instrumentedModule'>,
  engine: EngineName,
  limits: AppRunLimits
): Promise<Uint8Array> {
  if (engine === 'v8' && app.instrumentedModule !== undefined) return app.instrumentedModule
  const bounds: RewriteLimits = {
    memoryPages: Math.floor(limits.memoryBytes / wasmPageBytes),
    tableEntries: limits.tableElements,
    startFuel: Math.min(rewriteLimitsDefault.startFuel, limits.fuel)
  }
  try {
    return await rewriteModuleApart({ module: app.module, engine, bounds })
  } catch (cause) {
    if (!(cause instanceof ModuleError)) throw cause
    throw new AppRunError('ERR_RUN_MODULE', `app ${app.name}: ${cause.message}`, { cause })
  }
}
