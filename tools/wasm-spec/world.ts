/** One of two places where a script runs: as it is, or with every module rewritten first. */
import { type ModuleFacts, inspectModule } from '@blocktree/wasm-module'
import { type Lowered, callBitwise } from './assembler.ts'
import { type Exports, type Imports, webAssembly } from './web-assembly.ts'

/** What came of one step; a trap with its message. */
export type Outcome =
  | { readonly kind: 'value'; readonly values: readonly Lowered[] }
  | { readonly kind: 'trap'; readonly message: string }
  | { readonly kind: 'absent' }

interface Loaded {
  readonly exports: Exports
  readonly facts: ModuleFacts
}

export class World {
  readonly #rewrite: (bytes: Uint8Array) => Uint8Array
  readonly #named = new Map<string, Loaded>()
  readonly #registered = new Map<string, Exports>([['spectest', createSpectest()]])
  #current: Loaded | undefined

  constructor(rewrite: (bytes: Uint8Array) => Uint8Array) {
    this.#rewrite = rewrite
  }

  /** No module is there any more: what follows is about one that could not be loaded. */
  forget(name: string): void {
    this.#current = undefined
    this.#named.delete(name)
  }

  /** Throws what reading, compiling, linking or starting the module throws. */
  load(bytes: Uint8Array, name: string): void {
    this.forget(name)
    const module = new webAssembly.Module(this.#rewrite(bytes))
    const { exports } = new webAssembly.Instance(module, this.#imports())
    this.#current = { exports, facts: inspectModule(bytes) }
    if (name !== '') this.#named.set(name, this.#current)
  }

  register(as: string, name: string): void {
    const loaded = this.#find(name)
    if (loaded !== undefined) this.#registered.set(as, loaded.exports)
    else this.#registered.delete(as)
  }

  invoke(name: string, field: string, values: readonly Lowered[]): Outcome {
    const loaded = this.#find(name)
    const type = loaded?.facts.exports.find((candidate) => candidate.name === field)?.type
    if (loaded === undefined || type === undefined) return { kind: 'absent' }
    const counter = loaded.exports['__bt_fuel'] as { value: bigint } | undefined
    if (counter !== undefined) counter.value = 1n << 60n
    try {
      return { kind: 'value', values: callBitwise(loaded.exports[field], type, values) }
    } catch (error) {
      return { kind: 'trap', message: error instanceof Error ? error.message : String(error) }
    }
  }

  /** Value of an exported global, as JavaScript sees it. */
  read(name: string, field: string): Outcome {
    const global = this.#find(name)?.exports[field] as { readonly value: Lowered } | undefined
    if (global === undefined) return { kind: 'absent' }
    return { kind: 'value', values: [global.value] }
  }

  #find(name: string): Loaded | undefined {
    return name === '' ? this.#current : this.#named.get(name)
  }

  #imports(): Imports {
    return Object.fromEntries(this.#registered)
  }
}

/** The module that the scripts import from. */
function createSpectest(): Exports {
  const ignore = (): void => {}
  const prints = [
    'print',
    'print_i32',
    'print_i64',
    'print_f32',
    'print_f64',
    'print_i32_f32',
    'print_f64_f64'
  ]
  const constant = (value: string, content: unknown): object =>
    new webAssembly.Global({ value, mutable: false }, content)
  return {
    ...Object.fromEntries(prints.map((name) => [name, ignore])),
    global_i32: constant('i32', 666),
    global_i64: constant('i64', 666n),
    global_f32: constant('f32', 666.6),
    global_f64: constant('f64', 666.6),
    table: new webAssembly.Table({ element: 'anyfunc', initial: 10, maximum: 20 }),
    memory: new webAssembly.Memory({ initial: 1, maximum: 2 })
  }
}
