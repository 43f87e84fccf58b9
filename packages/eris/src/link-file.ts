/**
 * Link files (companion document "ERIS link file"): a capability with length, type and attributes of its content, for
 * desktops that open it as they open any file. 55799([276(capability), length, type, {* attributes}]); glob "*.eris".
 */
import { compareBytes } from '@blocktree/codec'
import { CborReader, encodeCbor } from './cbor.ts'
import { ErisError } from './eris-error.ts'
import { linkAttributesMax } from './limits.ts'
import { type ReadCapability, decodeCapability, encodeCapability } from './read-capability.ts'

export interface ErisLink {
  readonly capability: ReadCapability
  readonly contentBytes: number
  /** Such as "text/plain". */
  readonly mediaType: string
  /** Text under text; programs agree on the names. */
  readonly attributes: Readonly<Record<string, string>>
}

const selfDescribedTag = 55_799
const capabilityTag = 276
export const linkFileBytesMax = 65_536

export function encodeLinkFile({ capability, contentBytes, mediaType, attributes }: ErisLink): Uint8Array {
  const pairs = Object.entries(attributes)
    .map(([name, value]) => ({ key: encodeCbor([name]), name, value }))
    .sort((left, right) => compareBytes(left.key, right.key))
  return encodeCbor([
    { tag: selfDescribedTag },
    { array: 4 },
    { tag: capabilityTag },
    encodeCapability(capability),
    contentBytes,
    mediaType,
    { map: pairs.length },
    ...pairs.flatMap(({ name, value }) => [name, value])
  ])
}

/** @throws ERR_ERIS_LINK, ERR_ERIS_CAPABILITY, ERR_ERIS_LEVEL */
export function decodeLinkFile(bytes: Uint8Array): ErisLink {
  const refuse = (problem: string): ErisError =>
    new ErisError('ERR_ERIS_LINK', `not an ERIS link file: ${problem}`)
  if (bytes.length > linkFileBytesMax) throw refuse(`it has more than ${linkFileBytesMax} bytes`)
  const reader = new CborReader(bytes, refuse)
  if (reader.tag('the tag') !== selfDescribedTag) throw refuse('it has another tag')
  if (reader.array('the array') !== 4) throw refuse('the array has not four items')
  if (reader.tag('the tag of the capability') !== capabilityTag)
    throw refuse('the capability has another tag')
  const capability = decodeCapability(reader.bytes('the capability'))
  const contentBytes = reader.uint('the length')
  const mediaType = reader.text('the media type')
  const count = reader.map('the attributes')
  if (count > linkAttributesMax) throw refuse(`it has more than ${linkAttributesMax} attributes`)
  const attributes = new Map<string, string>()
  for (let index = 0; index < count; index++) {
    const name = reader.text('the name of an attribute')
    if (attributes.has(name)) throw refuse(`the attribute ${JSON.stringify(name)} stands in it twice`)
    attributes.set(name, reader.text('an attribute'))
  }
  reader.end()
  return { capability, contentBytes, mediaType, attributes: Object.fromEntries(attributes) }
}
