/**
 * Reader of the Wycheproof files that lie beside the repository. They are not part of it: when the folder is absent the
 * suites that need it are skipped by name.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Hexadecimal fields become bytes under the same name; `size` is the one number besides `tcId`. */
export interface WycheproofCase {
  readonly id: number
  readonly comment: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly size: number
  /** @returns the bytes of a field; empty when the file does not have it */
  bytes(field: string): Uint8Array
}

export interface WycheproofGroup {
  readonly keySize: number
  readonly ivSize: number
  readonly tagSize: number
  /** The raw public key of a signature group; empty in others. */
  readonly publicKey: Uint8Array
  readonly cases: readonly WycheproofCase[]
}

// From packages/crypto/src and packages/crypto/dist alike.
const folder: string = fileURLToPath(new URL('../../../../shared/vectors/wycheproof', import.meta.url))

export const hasWycheproofVectors: boolean = existsSync(folder)

/** @returns the groups of `<name>_test.json` */
export function readWycheproof(name: string): readonly WycheproofGroup[] {
  const file: unknown = JSON.parse(readFileSync(`${folder}/${name}_test.json`, 'utf8'))
  return listOf(file, 'testGroups').map((group) => ({
    keySize: numberOf(group, 'keySize'),
    ivSize: numberOf(group, 'ivSize'),
    tagSize: numberOf(group, 'tagSize'),
    publicKey: bytesOf(fieldOf(group, 'publicKey'), 'pk'),
    cases: listOf(group, 'tests').map(parseCase)
  }))
}

function parseCase(test: unknown): WycheproofCase {
  const result = fieldOf(test, 'result')
  if (result !== 'valid' && result !== 'invalid' && result !== 'acceptable') {
    throw new Error(`Wycheproof result ${String(result)} is unknown`)
  }
  return {
    id: numberOf(test, 'tcId'),
    comment: String(fieldOf(test, 'comment')),
    result,
    size: numberOf(test, 'size'),
    bytes: (field) => bytesOf(test, field)
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name)
  if (!Array.isArray(list)) throw new Error(`Wycheproof file has no list "${name}"`)
  return list
}

function numberOf(value: unknown, name: string): number {
  const number = fieldOf(value, name)
  return typeof number === 'number' ? number : 0
}

function bytesOf(value: unknown, name: string): Uint8Array {
  const hex = fieldOf(value, name)
  return typeof hex === 'string' ? Uint8Array.fromHex(hex) : new Uint8Array(0)
}
