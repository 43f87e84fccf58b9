/**
 * Extensions, the last field of every body: `[[code, critical, bytes]…]`, codes strictly ascending (B.1.2).
 * An unknown critical one makes the record an unknown format (to be parked); others are kept and ignored.
 */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { recordBytesMax } from '@blocktree/codec'
import { extensionsMax } from './limits.ts'
import type { Extension, Extensions } from './records.ts'
import { TreeError } from './tree-error.ts'

/** Codes of format 1; all others are free. They are given per place: these stand in a header's sealed part. */
export const sealedExtension = { movedTo: 1, movedFrom: 2 } as const
/** These stand in the body of a checkpoint; `base`: the record id of an older checkpoint (./base.ts). */
export const checkpointExtension = { base: 1 } as const

const noExtensions: Extensions = []
const noneKnown: ReadonlySet<number> = new Set()

export function writeExtensions(writer: CanonicalWriter, extensions: Extensions): void {
  if (extensions.length > extensionsMax) {
    throw new TreeError('ERR_RECORD_FIELD', `${extensions.length} extensions are more than ${extensionsMax}`)
  }
  writer.array(extensions.length)
  let previous = -1
  for (const extension of extensions) {
    if (extension.code <= previous) {
      throw new TreeError(
        'ERR_RECORD_FIELD',
        `extension ${extension.code} follows ${previous}: give extensions in ascending order of their codes`
      )
    }
    previous = extension.code
    writer.array(3).uint(extension.code).boolean(extension.critical).bin(extension.bytes)
  }
}

/** @param known codes that the caller understands; ERR_RECORD_UNKNOWN_FORMAT for another that is critical */
export function readExtensions(reader: CanonicalReader, known: ReadonlySet<number> = noneKnown): Extensions {
  const count = reader.array(extensionsMax)
  if (count === 0) return noExtensions
  const extensions: Extension[] = []
  let previous = -1
  let unknown: number | undefined
  for (let index = 0; index < count; index++) {
    reader.arrayOf(3)
    const code = reader.uint()
    const critical = reader.boolean()
    const bytes = reader.bin(recordBytesMax)
    if (code <= previous) {
      throw new TreeError('ERR_RECORD_FIELD', `extension ${code} is not in ascending order after ${previous}`)
    }
    previous = code
    if (critical && !known.has(code)) unknown = code
    extensions.push({ code, critical, bytes })
  }
  if (unknown !== undefined) {
    throw new TreeError('ERR_RECORD_UNKNOWN_FORMAT', `the critical extension ${unknown} is not known here`)
  }
  return extensions
}
