/** WebAssembly modules read strictly: policy check and instrumentation with fuel (pure). */
export { type ModulePolicy, type ModuleRefusal, checkModule, modulePolicyDefault } from './check-module.ts'
export { blocktreeImports, blocktreeModule, wasiImports, wasiModule } from './guest-abi.ts'
export { type ModuleFacts, inspectModule } from './inspect-module.ts'
export { clampModule, instrumentModule } from './instrument-module.ts'
export {
  memoryPagesDefault,
  memoryPagesMax,
  moduleBytesDefault,
  moduleBytesMax,
  tableEntriesDefault,
  tableEntriesMax
} from './limits.ts'
export { ModuleError, type ModuleErrorCode } from './module-error.ts'
export type { ExternalKind, MemoryFacts, ModuleExport, ModuleImport, TableFacts } from './module-structure.ts'
export { type RewriteLimits, fuelExport, rewriteLimitsDefault } from './rewrite-module.ts'
export { type FunctionType, type ValueType, formatFunctionType } from './value-type.ts'
