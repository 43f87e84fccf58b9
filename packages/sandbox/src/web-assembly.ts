/**
 * The part of the WebAssembly JavaScript interface in use here, with types: the language's own library describes it for
 * browsers alone.
 */

export type WasmValue = number | bigint
export type WasmFunction = (...values: WasmValue[]) => WasmValue | undefined
export type WasmImports = Record<string, Record<string, unknown>>

export interface WasmMemory {
  readonly buffer: ArrayBuffer
}
export interface WasmGlobal {
  value: WasmValue
}
declare const moduleBrand: unique symbol
export interface WasmModule {
  readonly [moduleBrand]: true
}
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>
}

interface WebAssemblyInterface {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    exports(module: WasmModule): readonly { readonly name: string; readonly kind: string }[]
  }
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance
  readonly Memory: new (options: { readonly initial: number }) => WasmMemory
  readonly Global: new (
    type: { readonly value: 'i64'; readonly mutable: boolean },
    value: bigint
  ) => WasmGlobal
  readonly LinkError: ErrorConstructor
  readonly RuntimeError: ErrorConstructor
  /** An import that the guest waits for while its promise is pending. */
  readonly Suspending: new (run: (...values: WasmValue[]) => Promise<WasmValue | undefined>) => object
  /** An export that may wait in such an import. */
  promising(target: WasmFunction): (...values: WasmValue[]) => Promise<WasmValue | undefined>
}

export const webAssembly: WebAssemblyInterface = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }
).WebAssembly
