/**
 * MessagePack for RPC frames and local records, where bytes are not signed and so need not be canonical.
 * msgpackr does the work; what it takes and gives is narrowed by `frame-check.ts` in both directions, so a
 * packed value can always be unpacked: plain objects, arrays, text, numbers, booleans, null, Uint8Array.
 * A property that is `undefined` is left out, as in JSON; a Map becomes an object, a Set an
 * array. Of two equal keys in a map the last one counts.
 */
import type * as msgpackr from 'msgpackr'
import * as portableMsgpackr from 'msgpackr/pack' // without the native add-on, which only costs start-up time
import { CodecError } from './codec-error.ts'
import { checkMessage } from './frame-check.ts'
import { frameBytesMax, localRecordBytesMax } from './limits.ts'

// The declarations of this entry point do not resolve under nodenext; the main entry's describe it.
const untyped: unknown = portableMsgpackr
const { Packr, Unpackr } = untyped as Pick<typeof msgpackr, 'Packr' | 'Unpackr'>
const packOptions: msgpackr.Options & { skipValues: readonly unknown[] } = {
  useRecords: false,
  variableMapSize: true,
  skipValues: [undefined] // missing from the declarations
}
const packr = new Packr(packOptions)
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'number', // exact, because the check refuses what a number cannot hold
  copyBuffers: true
})

/**
 * The body of one RPC frame, without its length prefix (see `frame-parser.ts`), in a buffer of its own.
 * ERR_CODEC_VALUE for what a frame cannot hold (bigint, Date, function, NaN, a cycle),
 * ERR_CODEC_RANGE when it is longer than `frameBytesMax`.
 */
export function packFrame(value: unknown): Uint8Array {
  return pack(value, frameBytesMax, 'a frame')
}

/** The inverse of `packFrame`; byte strings are copies. Throws CodecError alone, whatever the bytes are. */
export function unpackFrame(bytes: Uint8Array): unknown {
  return unpack(bytes, frameBytesMax, 'a frame')
}

/** Encodes a record that only this machine reads, such as an index value; same rules as a frame. */
export function packLocal(value: unknown): Uint8Array {
  return pack(value, localRecordBytesMax, 'a local record')
}

/** The inverse of `packLocal`. */
export function unpackLocal(bytes: Uint8Array): unknown {
  return unpack(bytes, localRecordBytesMax, 'a local record')
}

function pack(value: unknown, bytesMax: number, what: string): Uint8Array {
  const bytes = packMessage(value, what)
  if (bytes.length > bytesMax) {
    throw new CodecError('ERR_CODEC_RANGE', `${what} of ${bytes.length} bytes is longer than ${bytesMax}`)
  }
  try {
    checkMessage(bytes, false)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new CodecError('ERR_CODEC_VALUE', `cannot encode the value in ${what}: ${reason}`, { cause })
  }
  return bytes
}

/** A copy, since msgpackr's result is a slice of a pool that would stay in memory with it. */
function packMessage(value: unknown, what: string): Uint8Array {
  try {
    return new Uint8Array(packr.pack(value))
  } catch (cause) {
    throw new CodecError('ERR_CODEC_VALUE', `cannot encode the value in ${what}`, { cause })
  }
}

function unpack(bytes: Uint8Array, bytesMax: number, what: string): unknown {
  if (bytes.length > bytesMax) {
    throw new CodecError('ERR_CODEC_RANGE', `${what} of ${bytes.length} bytes is longer than ${bytesMax}`)
  }
  checkMessage(bytes, true)
  try {
    // A plain view, so that byte strings come out as Uint8Array and not as the input's subclass.
    return unpackr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as unknown
  } catch (cause) {
    throw new CodecError('ERR_CODEC_FRAME', `cannot decode ${what} of ${bytes.length} bytes`, { cause })
  }
}
