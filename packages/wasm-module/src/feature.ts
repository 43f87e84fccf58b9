/** Refusal of proposals that are not accepted, with the reason. */
import { ModuleError } from './module-error.ts'

/** Names of proposals, and why each is not accepted. */
const refusedFeatures: ReadonlyMap<string, string> = new Map([
  ['exceptions', 'a handler could catch what the host throws to end a call'],
  ['tail-call', 'no toolchain makes them unasked, and engines differ in what they cost'],
  ['function-references', 'they come with the garbage collector, whose objects no limit counts'],
  ['gc', 'its objects lie in the heap of the engine, which no limit of the app counts'],
  ['threads', 'shared memory lets a guest measure time and leaves the thread that is counted'],
  ['relaxed-simd', 'results differ from machine to machine'],
  ['memory64', 'memories above 4 GiB are beyond every limit and cost bounds checks'],
  ['multi-memory', 'one memory is what the host reads and writes'],
  ['custom-page-sizes', 'limits count pages of 64 KiB'],
  ['wide-arithmetic', 'engines do not have it yet'],
  ['components', 'only core modules are run; build with a core target such as wasm32-wasip1']
])

/** Throws ERR_MODULE_FEATURE when `feature` names a proposal; returns when it is undefined. */
export function refuseFeature(feature: string | undefined, offset?: number): void {
  if (feature === undefined) return
  const reason = refusedFeatures.get(feature) ?? 'it is not known'
  throw new ModuleError('ERR_MODULE_FEATURE', `${feature} is not accepted: ${reason}`, offset)
}
