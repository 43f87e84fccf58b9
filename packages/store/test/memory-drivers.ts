/** Drivers in memory, and small data, for the tests of this package. */
import { hash } from 'node:crypto'
import type { StoredRecord, StoredSector } from '@blocktree/tree'
import { createFaultyFileSystem } from '../src/faulty-file-system.ts'
import type { FaultyFileSystem } from '../src/faulty-file-system.ts'
import { createMemoryIndex } from '../src/memory-index.ts'
import type { MemoryIndexDriver } from '../src/memory-index.ts'
import type { ProcessTable } from '../src/store-lock.ts'
import type { StoreDrivers } from '../src/store-parts.ts'

export interface MemoryDrivers extends StoreDrivers {
  readonly files: FaultyFileSystem
  readonly index: MemoryIndexDriver
  readonly processes: ProcessTable & { nextProcess(): void }
}

export function memoryDrivers(): MemoryDrivers {
  return {
    files: createFaultyFileSystem(),
    index: createMemoryIndex(),
    processes: memoryProcesses(),
    random: (length) => sequence(length, 7)
  }
}

/** A table with one process at a time; `nextProcess` is what a crash and a new start do. */
export function memoryProcesses(): ProcessTable & { nextProcess(): void } {
  let pid = 1
  return {
    get self() {
      return { pid, boot: 'boot', started: String(pid) }
    },
    isRunning: (identity) => identity.pid === pid,
    nextProcess() {
      pid++
    }
  }
}

/** Bytes that depend on `seed` only. */
export function sequence(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'))
}

export function makeSector(seed: number, length = 300): StoredSector {
  const bytes = sequence(length, seed)
  return { reference: sha256(bytes), bytes }
}

export function makeRecord(seed: number, inlineBytes?: number): StoredRecord {
  const bytes = sequence(120, seed + 10_000)
  const inline = inlineBytes === undefined ? undefined : sequence(inlineBytes, seed + 20_000)
  return { id: sha256(bytes), type: 1 + (seed % 13), bytes, inline }
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** A generator of chances from a seed. */
export function chances(seed: number): (chance: number) => boolean {
  let state = (seed * 2246822519 + 374761393) >>> 0
  return (chance) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0
    return (state >>> 8) / 2 ** 24 < chance
  }
}
