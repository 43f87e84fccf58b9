/** What is done with the module of an app before it runs: judged, and rewritten for an engine. Pure, on any thread. */
import {
  type ModulePolicy,
  type ModuleRefusal,
  type RewriteLimits,
  checkModule,
  clampModule,
  instrumentModule
} from '@blocktree/wasm-module'
import type { EngineName } from './frame-type.ts'

export type ModuleTask =
  | { readonly kind: 'check'; readonly module: Uint8Array; readonly policy: ModulePolicy }
  | {
      readonly kind: 'rewrite'
      readonly module: Uint8Array
      readonly engine: EngineName
      readonly bounds: RewriteLimits
    }

export interface ModuleResults {
  readonly check: readonly ModuleRefusal[]
  /** With fuel for V8, and clamped bounds for both engines. */
  readonly rewrite: Uint8Array
}

/** @throws ModuleError when it cannot be rewritten */
export function doModuleTask(task: ModuleTask): ModuleResults[ModuleTask['kind']] {
  const { kind, module } = task
  if (kind === 'check') return checkModule(module, task.policy)
  return task.engine === 'v8' ? instrumentModule(module, task.bounds) : clampModule(module, task.bounds)
}
