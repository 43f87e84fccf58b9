/** What a person may say about a file: checked at the edge, kept sealed in the header (MODEL B.4). */
import { compareBytes } from '@blocktree/codec'
import type { BlockMetadata } from '@blocktree/tree'
import { FilesError } from './files-error.ts'
import {
  attributeNameBytesMax,
  attributesBytesMax,
  attributesMax,
  mediaTypeBytesMax,
  modeMax,
  modifiedMsMax
} from './limits.ts'

/** Fields that are left out keep their value; `undefined` removes it. */
export interface MetadataChange {
  readonly modifiedMs?: number | undefined
  /** POSIX permission bits, 0..0o7777. */
  readonly mode?: number | undefined
  readonly mediaType?: string | undefined
  /** Given attributes are set; one with the value `undefined` is removed; others stay. */
  readonly attributes?: Readonly<Record<string, Uint8Array | undefined>>
}

const encoder = new TextEncoder()

/** @throws ERR_METADATA_INVALID naming the field and its bounds */
export function applyMetadata(before: BlockMetadata, change: MetadataChange, path?: string): BlockMetadata {
  const after: BlockMetadata = {
    modifiedMs: 'modifiedMs' in change ? change.modifiedMs : before.modifiedMs,
    mode: 'mode' in change ? change.mode : before.mode,
    mediaType: 'mediaType' in change ? change.mediaType : before.mediaType,
    attributes:
      change.attributes === undefined ? before.attributes : merged(before.attributes, change.attributes)
  }
  const problem = metadataProblem(after)
  if (problem !== undefined) {
    throw new FilesError(
      'ERR_METADATA_INVALID',
      `metadata is refused: ${problem}`,
      path === undefined ? {} : { path }
    )
  }
  return after
}

function merged(
  before: BlockMetadata['attributes'],
  change: Readonly<Record<string, Uint8Array | undefined>>
): BlockMetadata['attributes'] {
  const values = new Map(before)
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) values.delete(name)
    else values.set(name, value)
  }
  return [...values].sort(([left], [right]) => compareBytes(encoder.encode(left), encoder.encode(right)))
}

function metadataProblem(metadata: BlockMetadata): string | undefined {
  const { modifiedMs, mode, mediaType, attributes } = metadata
  if (modifiedMs !== undefined && !isInteger(modifiedMs, modifiedMsMax)) {
    return `modifiedMs ${modifiedMs} is not a whole number of milliseconds from 0 to ${modifiedMsMax}`
  }
  if (mode !== undefined && !isInteger(mode, modeMax)) return `mode ${mode} is not between 0 and 0o7777`
  if (mediaType !== undefined && !isText(mediaType, mediaTypeBytesMax)) {
    return `the media type is not text of 1 to ${mediaTypeBytesMax} bytes`
  }
  if (attributes.length > attributesMax)
    return `${attributes.length} attributes are more than ${attributesMax}`
  let bytes = 0
  for (const [name, value] of attributes) {
    if (!isText(name, attributeNameBytesMax)) {
      return `attribute name "${name.slice(0, 40)}" is not text of 1 to ${attributeNameBytesMax} bytes`
    }
    bytes += encoder.encode(name).length + value.length
  }
  return bytes > attributesBytesMax
    ? `attributes of ${bytes} bytes are more than ${attributesBytesMax}: keep large values in a file`
    : undefined
}

function isInteger(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max
}

function isText(text: string, bytesMax: number): boolean {
  return text.length > 0 && text.isWellFormed() && encoder.encode(text).length <= bytesMax
}
