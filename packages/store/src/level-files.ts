/** The files in a directory of LevelDB, and where they are damaged. Nothing here is written. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { IndexDamage } from './index-store.ts'
import { readLevelManifest } from './level-manifest.ts'
import type { LevelFiles } from './level-manifest.ts'
import { verifyLevelLog, verifyLevelTable } from './level-verification.ts'
import { systemCode } from './store-error.ts'

/** What CURRENT and the manifest it names say; `missing` when there are no files at all. */
export function filesOf(directory: string): LevelFiles | IndexDamage | 'missing' {
  if (namesIn(directory).length === 0) return 'missing'
  const current = readOptional(join(directory, 'CURRENT'))
  const manifest = current === undefined ? undefined : Buffer.from(current).toString('latin1')
  if (manifest === undefined || !/^MANIFEST-\d{6,}\n$/.test(manifest)) {
    return { file: 'index/CURRENT', offset: 0, problem: 'it does not name a manifest' }
  }
  const name = manifest.trimEnd()
  const content = readOptional(join(directory, name))
  if (content === undefined) return { file: `index/${name}`, offset: 0, problem: 'it is missing' }
  return readLevelManifest(`index/${name}`, content)
}

/** The logs whose writes are in no table yet; the batches of successive logs must follow each other. */
export function verifyLogs(directory: string, files: LevelFiles): IndexDamage | undefined {
  let next: bigint | undefined
  for (const name of namesIn(directory).filter((name) => /^\d+\.log$/.test(name))) {
    const number = Number.parseInt(name, 10)
    if (number < files.firstLog && number !== files.formerLog) continue
    const log = readOptional(join(directory, name))
    if (log === undefined) continue // replaced since the manifest was read
    const { damage, sequence } = verifyLevelLog(`index/${name}`, log, { batches: true })
    if (damage !== undefined) return damage
    if (sequence !== undefined && next !== undefined && sequence.first > next) {
      return { file: `index/${name}`, offset: 0, problem: 'writes before this log are missing' }
    }
    next = sequence?.next ?? next
  }
  return undefined
}

/** Tables up to `bytesMax` together, newest first: those are the ones that LevelDB reads and rewrites next. */
export function verifyTables(
  directory: string,
  files: LevelFiles,
  bytesMax: number
): IndexDamage | undefined {
  let left = bytesMax
  const newestFirst = [...files.tables].sort(([one], [other]) => other - one)
  for (const [number, size] of newestFirst) {
    left -= size
    if (left < 0) return undefined
    const damage = verifyTable(directory, number, size)
    if (damage === 'missing')
      return { file: `index/${tableName(number)}`, offset: 0, problem: 'it is missing' }
    if (damage !== undefined) return damage
  }
  return undefined
}

export function verifyTable(
  directory: string,
  number: number,
  size: number
): IndexDamage | 'missing' | undefined {
  const name = tableName(number)
  let descriptor: number
  try {
    descriptor = openSync(join(directory, name), 'r')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'missing'
    throw error
  }
  try {
    const length = fstatSync(descriptor).size
    const file = `index/${name}`
    if (length !== size) return { file, offset: length, problem: `the table has another length than ${size}` }
    return verifyLevelTable(file, size, (offset, count) => {
      const buffer = Buffer.allocUnsafe(count)
      return buffer.subarray(0, readSync(descriptor, buffer, 0, count, offset))
    })
  } finally {
    closeSync(descriptor)
  }
}

export function levelBytes(directory: string): number {
  return namesIn(directory).reduce((sum, name) => sum + sizeOf(join(directory, name)), 0)
}

function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.ldb`
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

function readOptional(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
