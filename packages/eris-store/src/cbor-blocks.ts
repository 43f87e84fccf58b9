/** Files of blocks as other ERIS programs write and read them (EER "CBOR of blocks"; doc/spec/26-coap-and-block-stores.md, section 5). */
import type { FileHandle } from 'node:fs/promises'
import { concatBytes } from '@blocktree/codec'
import {
  type Block,
  ErisError,
  type ReadCapability,
  capabilityBytes,
  decodeCapability,
  encodeCapability,
  largeBlock,
  smallBlock,
  toReference,
  verifyBlock
} from '@blocktree/eris'
import { CborFileReader, encodeHead, major } from './cbor-item.ts'
import { hashing } from './hashing.ts'
import { cborCapabilitiesMax } from './limits.ts'

const selfDescribed = 55_799
const blocksTag = 0x65_72_69_73 // "eris"
const capabilityTag = 276
const endOfList = Uint8Array.of(0xff)

/** What stands before the first block: both tags, an array and a map of indefinite length. */
export const fileHead: Uint8Array = concatBytes(
  encodeHead(major.tag, selfDescribed),
  encodeHead(major.tag, blocksTag),
  Uint8Array.of((major.array << 5) | 31, (major.map << 5) | 31)
)

/** Reference and block: one entry of the map. `bytesOffset` is where the block begins in it. */
export function encodeEntry({ reference, bytes }: Pick<Block, 'reference' | 'bytes'>): {
  readonly head: Uint8Array
  readonly bytesOffset: number
} {
  const head = concatBytes(
    encodeHead(major.bytes, reference.length),
    reference,
    encodeHead(major.bytes, bytes.length)
  )
  return { head, bytesOffset: head.length }
}

/** What stands behind the last block. */
export function encodeFileTail(capabilities: readonly ReadCapability[]): Uint8Array {
  const items = capabilities.flatMap((capability) => [
    encodeHead(major.tag, capabilityTag),
    encodeHead(major.bytes, capabilityBytes),
    encodeCapability(capability)
  ])
  return concatBytes(endOfList, ...items, endOfList)
}

export interface FileEntry {
  readonly block: Block
  /** Of the bytes of the block in the file. */
  readonly offset: number
}

/**
 * Every block of the file, checked; the capabilities behind them go to `onCapability`. ERR_ERIS_STORE_FORMAT, or
 * ERR_ERIS_BLOCK_CORRUPT for a block under a wrong reference.
 */
export async function* readBlockFile(
  file: FileHandle,
  name: string,
  onCapability: (capability: ReadCapability) => void = () => undefined
): AsyncGenerator<FileEntry> {
  const reader = new CborFileReader(file, name)
  const items = await readFileHead(reader)
  const entries = await reader.expect(major.map, 'a map of blocks')
  for (let index = 0; entries === undefined ? !(await reader.takesBreak()) : index < entries; index++) {
    const reference = toReference(await reader.byteString([32], 'a reference'))
    const bytes = await reader.byteString([smallBlock, largeBlock], 'a block')
    yield { block: verifyBlock(hashing, reference, bytes), offset: reader.offset - bytes.length }
  }
  for (let index = 1; items === undefined ? !(await reader.takesBreak()) : index < items; index++) {
    if (index > cborCapabilitiesMax) throw reader.wrong(`more than ${cborCapabilitiesMax} capabilities`)
    onCapability(await readCapability(reader))
  }
  if (!(await reader.isAtEnd())) throw reader.wrong('something behind the end')
}

/** Both tags may be absent. @returns the items of the array, undefined when it says no number */
async function readFileHead(reader: CborFileReader): Promise<number | undefined> {
  let head = await reader.head()
  for (const tag of [selfDescribed, blocksTag])
    if (head.major === major.tag && head.argument === tag) head = await reader.head()
  if (head.major !== major.array || head.argument === 0) throw reader.wrong('not a file of blocks')
  return head.argument
}

async function readCapability(reader: CborFileReader): Promise<ReadCapability> {
  if ((await reader.expect(major.tag, 'a tag')) !== capabilityTag) throw reader.wrong('not a read capability')
  const bytes = await reader.byteString([capabilityBytes], 'a read capability')
  try {
    return decodeCapability(bytes)
  } catch (error) {
    throw new ErisError('ERR_ERIS_STORE_FORMAT', reader.wrong('no read capability').message, { cause: error })
  }
}
