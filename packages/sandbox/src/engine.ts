/**
 * The engine port: runs one WebAssembly module inside the sandbox process. An engine knows nothing of frames or of the
 * guest interface; `guest.ts` speaks that over any engine. Two drivers, `v8-engine.ts` and `wasmtime-engine.ts`, pass
 * one conformance suite.
 */
import type { EngineName, FaultName } from './frame-type.ts'

export interface WasmEngine {
  readonly name: EngineName
  readonly version: string
  /** Compiles without running anything; GuestFault `module` when it cannot. */
  check(module: Uint8Array): void
  /**
   * Compiles, links exactly `imports` and runs the start function on `fuel`. GuestFault: `module` when it does not
   * compile or link, else why it ended.
   */
  instantiate(options: InstantiateOptions): EngineInstance
}

export interface InstantiateOptions {
  readonly module: Uint8Array
  readonly imports: readonly GuestImport[]
  readonly memoryPages: number
  readonly tableElements: number
  readonly fuel: number
}

export interface EngineInstance {
  /** The exported memory as it is now; a view that is stale after anything ran. GuestFault `module` without one. */
  memory(): Uint8Array
  hasFunction(name: string): boolean
  /** Calls an export with i32 arguments. GuestFault when it traps, runs out of fuel, or has another signature. */
  call(name: string, parameters: readonly number[], result: ValueType | undefined): number | bigint
  setFuel(fuel: number): void
  /** Never below 0. */
  fuelLeft(): number
  dispose(): void
}

export type ValueType = 'i32' | 'i64'

/** A function of the host. May throw GuestFault, which ends the guest; nothing else. */
export interface GuestImport {
  readonly module: string
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly result: ValueType | undefined
  /** An i32 comes as number, an i64 as bigint; returns what `result` says, or nothing. */
  readonly run: (...values: (number | bigint)[]) => number | bigint | undefined
}

/** Why a guest ended; becomes a trap frame. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault'
  readonly fault: FaultName
  /** Of `exit` alone. */
  readonly exitStatus: number | undefined
  constructor(fault: FaultName, message: string, exitStatus?: number) {
    super(message)
    this.fault = fault
    this.exitStatus = exitStatus
  }
}
