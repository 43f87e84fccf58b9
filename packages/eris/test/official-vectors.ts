/** Reads the official vectors of ERIS 1.0.0, which lie beside the repository (shared/vectors/eris). */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { decodeBase32 } from '../src/base32.ts'

const folder = join(import.meta.dirname, '../../../../shared/vectors/eris')

export const hasOfficialVectors: boolean = existsSync(folder)

export interface OfficialVector {
  readonly id: number
  readonly type: 'positive' | 'negative'
  readonly name: string
  readonly urn: string
  readonly blocks: Readonly<Record<string, string>>
  readonly 'read-capability': {
    readonly 'block-size': number
    readonly level: number
    readonly 'root-reference': string
    readonly 'root-key': string
  }
  readonly content?: string
  readonly 'convergence-secret'?: string
  readonly 'block-size'?: 1024 | 32768
}

/** None where they are absent. */
export function readOfficialVectors(): OfficialVector[] {
  if (!hasOfficialVectors) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as OfficialVector)
    .sort((left, right) => left.id - right.id)
}

/** Base32 of any length, as the vectors have it. */
export function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase32(text, Math.floor((text.length * 5) / 8))
  if (bytes === undefined) throw new Error(`not base32: ${text.slice(0, 20)}`)
  return bytes
}
