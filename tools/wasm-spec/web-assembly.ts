/** The part of the engine's JavaScript interface in use here, with types. */

export type Exports = Readonly<Record<string, unknown>>
export type Imports = Readonly<Record<string, Exports>>

interface WebAssemblyInterface {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports?: Imports) => { readonly exports: Exports }
  readonly Memory: new (options: { readonly initial: number; readonly maximum?: number }) => object
  readonly Table: new (options: {
    readonly element: 'anyfunc'
    readonly initial: number
    readonly maximum?: number
  }) => object
  readonly Global: new (type: { readonly value: string; readonly mutable: boolean }, value: unknown) => object
}

export const webAssembly: WebAssemblyInterface = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }
).WebAssembly
