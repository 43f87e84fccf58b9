/** One directory of the source as it is now: names, kinds, sizes and times. */
import { type Stats, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { systemReason } from '../transfer-problem.ts'
import { type ScanResult, type ScanWork, entryKind } from '../worker-message.ts'
import { wholeMs } from './seal-source.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

/** @throws the system's error when the directory itself cannot be read */
export function scanDirectory({ path, followLinks }: ScanWork): ScanResult {
  const found = readdirSync(path, 'buffer')
  const names: string[] = []
  const texts: (string | undefined)[] = []
  const kinds = new Uint8Array(found.length)
  const sizes = new Float64Array(found.length)
  const modifiedMs = new Float64Array(found.length)
  const modes = new Uint16Array(found.length)
  for (const [index, bytes] of found.entries()) {
    const name = decode(bytes)
    if (name === undefined) {
      names.push(lossy.decode(bytes))
      texts.push('the name is not UTF-8')
      kinds[index] = entryKind.name
      continue
    }
    names.push(name)
    const entry = describeEntry(`${path}/${name}`, followLinks)
    kinds[index] = entry.kind
    texts.push(entry.text)
    if (entry.status === undefined) continue
    sizes[index] = entry.status.size
    modifiedMs[index] = wholeMs(entry.status.mtimeMs)
    modes[index] = entry.status.mode & 0o7777
  }
  return { names, kinds, sizes, modifiedMs, modes, texts }
}

interface Described {
  readonly kind: number
  readonly text: string | undefined
  readonly status?: Stats
}

export function describeEntry(path: string, followLinks: boolean): Described {
  try {
    const status = followLinks ? statSync(path) : lstatSync(path)
    if (status.isFile()) return { kind: entryKind.file, text: undefined, status }
    if (status.isDirectory())
      return { kind: entryKind.directory, text: `${status.dev}:${status.ino}`, status }
    if (status.isSymbolicLink()) return describeLink(path, status)
    return { kind: entryKind.special, text: specialName(status), status }
  } catch (error) {
    return { kind: entryKind.unreadable, text: systemReason(error) }
  }
}

function describeLink(path: string, status: Stats): Described {
  const target = decode(readlinkSync(path, 'buffer'))
  if (target === undefined) return { kind: entryKind.unreadable, text: 'the target of the link is not UTF-8' }
  return { kind: entryKind.symlink, text: target, status }
}

function specialName(status: Stats): string {
  if (status.isFIFO()) return 'a named pipe'
  if (status.isSocket()) return 'a socket'
  return 'a device'
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
