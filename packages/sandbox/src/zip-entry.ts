/**
 * One file out of a ZIP archive (a Python wheel), through its central directory. Only what wheels use: stored or
 * deflated, no encryption, no ZIP64. Every offset and length is checked against the archive before it is followed.
 */
import { inflateRawSync } from 'node:zlib'
import { SandboxError } from './sandbox-error.ts'

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const endBytes = 22
const entryBytes = 46
const localBytes = 30
const commentBytesMax = 65_535
const methods = { stored: 0, deflated: 8 } as const

/** @returns the first entry whose name is wanted, undefined when there is none; ERR_SANDBOX_INSTALL for what is no ZIP */
export function readZipEntry(
  archive: Uint8Array,
  isWanted: (name: string) => boolean,
  bytesMax: number
): Uint8Array | undefined {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength)
  try {
    const end = findEnd(view)
    let at = view.getUint32(end + 16, true)
    for (let left = view.getUint16(end + 10, true); left > 0; left--) {
      if (view.getUint32(at, true) !== entrySignature) throw damaged('its directory')
      const nameBytes = view.getUint16(at + 28, true)
      const name = new TextDecoder().decode(slice(archive, at + entryBytes, nameBytes))
      if (isWanted(name)) return readEntry(archive, view, at, bytesMax)
      at += entryBytes + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    }
    return undefined
  } catch (cause) {
    if (cause instanceof SandboxError) throw cause
    throw damaged('an offset or length', cause)
  }
}

function findEnd(view: DataView): number {
  const first = Math.max(0, view.byteLength - endBytes - commentBytesMax)
  for (let at = view.byteLength - endBytes; at >= first; at--) {
    if (view.getUint32(at, true) === endSignature) return at
  }
  throw damaged('its end')
}

function readEntry(archive: Uint8Array, view: DataView, at: number, bytesMax: number): Uint8Array {
  const method = view.getUint16(at + 10, true)
  const packedBytes = view.getUint32(at + 20, true)
  const bytes = view.getUint32(at + 24, true)
  const local = view.getUint32(at + 42, true)
  if (bytes > bytesMax)
    throw new SandboxError('ERR_SANDBOX_INSTALL', `an entry of ${bytes} bytes; at most ${bytesMax}`)
  if (view.getUint32(local, true) !== localSignature) throw damaged('an entry')
  const start = local + localBytes + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
  const packed = slice(archive, start, packedBytes)
  if (method === methods.stored) return packed.slice()
  if (method !== methods.deflated)
    throw new SandboxError('ERR_SANDBOX_INSTALL', `an entry is packed by method ${method}`)
  const unpacked = inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  if (unpacked.length !== bytes) throw damaged('the size of an entry')
  return unpacked
}

function slice(archive: Uint8Array, start: number, length: number): Uint8Array {
  if (start + length > archive.length) throw damaged('an offset or length')
  return archive.subarray(start, start + length)
}

function damaged(what: string, cause?: unknown): SandboxError {
  return new SandboxError('ERR_SANDBOX_INSTALL', `the archive is damaged: ${what} is wrong`, { cause })
}
