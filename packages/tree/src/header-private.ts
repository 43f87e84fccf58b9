/**
 * The private part of a header: `[name, metadata, size, rootKey|nil, pad, ext]`, padded with zeros to a multiple of
 * 64 bytes so that its length says little about the name (B.4). Encrypted by ./header.ts.
 */
import { CanonicalReader, CanonicalWriter, compareBytes } from '@blocktree/codec'
import { readExtensions, sealedExtension, writeExtensions } from './extension.ts'
import {
  attributeNameBytesMax,
  attributesMax,
  mediaTypeBytesMax,
  nameBytesMax,
  privateBytesMax,
  sealedPadding
} from './limits.ts'
import type { BlockMetadata, HeaderPrivate, Id } from './records.ts'
import type { Draft } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

const encoder = new TextEncoder()
const modeMax = 0o7777 // POSIX permission bits
const zeros = new Uint8Array(sealedPadding)
const knownExtensions: ReadonlySet<number> = new Set(Object.values(sealedExtension))

export const noMetadata: BlockMetadata = {
  modifiedMs: undefined,
  mode: undefined,
  mediaType: undefined,
  attributes: []
}

/**
 * @throws ERR_RECORD_SIZE when the sealed part would not fit in a header, ERR_HEADER_PRIVATE when name or metadata
 * are what no reader would take
 */
export function encodeHeaderPrivate(value: Draft<HeaderPrivate>): Uint8Array {
  const problem = privateProblem(value)
  if (problem !== undefined) throw new TreeError('ERR_HEADER_PRIVATE', `cannot seal a header: ${problem}`)
  const writer = new CanonicalWriter(256).array(6).str(value.name)
  writeMetadata(writer, value.metadata)
  writer.uint(value.size)
  if (value.rootKey === undefined) writer.nil()
  else writer.bin(value.rootKey)
  const extensions = new CanonicalWriter(64)
  writeExtensions(extensions, value.ext ?? [])
  const extensionBytes = extensions.finish()
  const bare = writer.length + 2 + extensionBytes.length
  writer.bin(zeros.subarray(0, (sealedPadding - (bare % sealedPadding)) % sealedPadding)).raw(extensionBytes)
  if (writer.length > privateBytesMax) {
    throw new TreeError(
      'ERR_RECORD_SIZE',
      `name, metadata and extensions take ${writer.length} bytes, the limit is ${privateBytesMax}`
    )
  }
  return writer.finish()
}

function privateProblem({ name, metadata }: Draft<HeaderPrivate>): string | undefined {
  const { mode = 0, mediaType = '', attributes } = metadata
  if (isLonger(name, nameBytesMax)) return `the name has more than ${nameBytesMax} bytes`
  if (!(mode >= 0 && mode <= modeMax)) return `the mode ${mode} has bits beyond 0o7777`
  if (isLonger(mediaType, mediaTypeBytesMax)) return `the media type has more than ${mediaTypeBytesMax} bytes`
  if (attributes.length > attributesMax)
    return `${attributes.length} attributes are more than ${attributesMax}`
  if (attributes.some(([attribute]) => isLonger(attribute, attributeNameBytesMax))) {
    return `the name of an attribute has more than ${attributeNameBytesMax} bytes`
  }
  return new Set(attributes.map(([attribute]) => attribute)).size === attributes.length
    ? undefined
    : 'an attribute stands twice'
}

/** Compares UTF-8 bytes; a character of a string has at most three. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && encoder.encode(text).length > bytesMax
}

/** @throws CodecError or TreeError */
export function decodeHeaderPrivate(bytes: Uint8Array): HeaderPrivate {
  if (bytes.length % sealedPadding !== 0 || bytes.length > privateBytesMax) {
    throw new TreeError(
      'ERR_HEADER_PRIVATE',
      `the private part has ${bytes.length} bytes, not a multiple of 64`
    )
  }
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(6)
  const name = reader.str(nameBytesMax)
  const metadata = readMetadata(reader)
  const size = reader.uint()
  const rootKey = reader.skipNil() ? undefined : reader.binExact(32)
  const pad = reader.bin(sealedPadding - 1)
  const ext = readExtensions(reader, knownExtensions)
  reader.end()
  if (pad.some((byte) => byte !== 0)) {
    throw new TreeError('ERR_HEADER_PRIVATE', 'the padding of the private part is not zero')
  }
  return { name, metadata, size, rootKey, ext }
}

function writeMetadata(writer: CanonicalWriter, metadata: BlockMetadata): void {
  writer.array(4)
  if (metadata.modifiedMs === undefined) writer.nil()
  else writer.uint(metadata.modifiedMs)
  if (metadata.mode === undefined) writer.nil()
  else writer.uint(metadata.mode)
  if (metadata.mediaType === undefined) writer.nil()
  else writer.str(metadata.mediaType)
  const attributes = metadata.attributes
    .map(([name, value]) => [encoder.encode(name), name, value] as const)
    .toSorted(([left], [right]) => compareBytes(left, right))
  writer.array(attributes.length)
  for (const [, name, value] of attributes) writer.array(2).str(name).bin(value)
}

function readMetadata(reader: CanonicalReader): BlockMetadata {
  reader.arrayOf(4)
  const modifiedMs = reader.skipNil() ? undefined : reader.uint()
  const mode = reader.skipNil() ? undefined : reader.uint(modeMax)
  const mediaType = reader.skipNil() ? undefined : reader.str(mediaTypeBytesMax)
  const count = reader.array(attributesMax)
  const attributes: [string, Uint8Array][] = []
  let previous: Uint8Array | undefined
  for (let index = 0; index < count; index++) {
    reader.arrayOf(2)
    const name = reader.str(attributeNameBytesMax)
    const nameBytes = encoder.encode(name)
    if (previous !== undefined && compareBytes(previous, nameBytes) >= 0) {
      throw new TreeError('ERR_HEADER_PRIVATE', `attribute ${index} is not in ascending order of the names`)
    }
    previous = nameBytes
    attributes.push([name, reader.bin(privateBytesMax)])
  }
  return { modifiedMs, mode, mediaType, attributes }
}

/** The block that a cross-zone move made in place of this one (B.9.6). */
export function movedTo(value: HeaderPrivate): Id | undefined {
  const extension = value.ext.find(({ code }) => code === sealedExtension.movedTo)
  return extension?.bytes.length === 32 ? extension.bytes : undefined
}
