/**
 * Blocks in one file (companion document "CBOR serialization"): 1701996915([{* reference => block}, * 276(capability)]).
 * The tag may be absent or follow 55799, array and map may be of definite or indefinite length. Read piece by piece: a
 * file may be larger than memory. Everything inside has one shape each, so the reader knows the few bytes it can accept.
 */
import { referenceBytes } from '@blocktree/crypto'
import type { Block } from './block.ts'
import { type BlockReference, toReference } from './block-reference.ts'
import { encodeCbor } from './cbor.ts'
import { ErisError } from './eris-error.ts'
import {
  type ReadCapability,
  capabilityBytes,
  decodeCapability,
  encodeCapability
} from './read-capability.ts'

const blocksTag = 1_701_996_915 // "eris"
const capabilityTag = 276
const indefinite = { array: 0x9f, map: 0xbf, end: 0xff } as const

/** The beginning of a file that is written as blocks come; followed by entries and the end. */
export function encodeBlockFileStart(): Uint8Array {
  return Uint8Array.of(...encodeCbor([{ tag: blocksTag }]), indefinite.array, indefinite.map)
}

export function encodeBlockFileEntry({ reference, bytes }: Block): Uint8Array {
  return encodeCbor([reference, bytes])
}

export function encodeBlockFileEnd(capabilities: readonly ReadCapability[]): Uint8Array {
  const items = capabilities.flatMap((capability) => [{ tag: capabilityTag }, encodeCapability(capability)])
  return Uint8Array.of(indefinite.end, ...(items.length === 0 ? [] : encodeCbor(items)), indefinite.end)
}

export type BlockFileItem =
  | { readonly kind: 'block'; readonly reference: BlockReference; readonly bytes: Uint8Array } // not verified
  | { readonly kind: 'capability'; readonly capability: ReadCapability }

/** @throws ERR_ERIS_BLOCK_FILE; nothing of a block is given out before all its bytes are there */
export async function* readBlockFile(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): AsyncGenerator<BlockFileItem> {
  const input = new Pieces(source)
  const items = await readStart(input)
  const entries = await readCount(input, 0xa0, 'the map of blocks')
  for (let index = 0; await hasNext(input, index, entries); index++) yield await readEntry(input)
  for (let index = 1; await hasNext(input, index, items); index++) yield await readCapability(input)
  if ((await input.peek()) !== undefined) throw refused('bytes follow its end')
}

/** @returns how many items the outer array has, undefined when it says so only at its end */
async function readStart(input: Pieces): Promise<number | undefined> {
  if ((await input.peek()) === 0xd9) await input.expect([0xd9, 0xd9, 0xf7], 'the tag 55799')
  if ((await input.peek()) === 0xda) await input.expect([0xda, 0x65, 0x72, 0x69, 0x73], 'the tag of blocks')
  const items = await readCount(input, 0x80, 'the outer array')
  if (items === 0) throw refused('the outer array is empty')
  return items
}

/** @param count undefined when the end is marked, which is passed over then */
async function hasNext(input: Pieces, index: number, count: number | undefined): Promise<boolean> {
  return count === undefined ? !(await input.skip(indefinite.end)) : index < count
}

/** A length in its shortest form; undefined for an indefinite one. */
async function readCount(input: Pieces, major: number, what: string): Promise<number | undefined> {
  const [head = 0] = await input.take(1, what)
  const value = head - major
  if (head === (major | 31)) return undefined
  if (value >= 0 && value < 24) return value
  const width = { 24: 1, 25: 2, 26: 4 }[value]
  if (width === undefined) throw refused(`${what} has no length that is read`)
  let count = 0
  for (const byte of await input.take(width, what)) count = count * 256 + byte
  if (count < ({ 1: 24, 2: 256, 4: 65_536 }[width] ?? 0))
    throw refused(`the length of ${what} is not in its shortest form`)
  return count
}

async function readEntry(input: Pieces): Promise<BlockFileItem> {
  await input.expect([0x58, referenceBytes], 'a reference')
  const reference = toReference(await input.take(referenceBytes, 'a reference'))
  const [type, high = 0, low] = await input.take(3, 'a block')
  const size = high * 256
  if (type !== 0x59 || low !== 0 || (size !== 1024 && size !== 32_768))
    throw refused('a block has another size')
  return { kind: 'block', reference, bytes: await input.take(size, 'a block') }
}

async function readCapability(input: Pieces): Promise<BlockFileItem> {
  await input.expect([0xd9, 0x01, 0x14, 0x58, capabilityBytes], 'a capability')
  return {
    kind: 'capability',
    capability: decodeCapability(await input.take(capabilityBytes, 'a capability'))
  }
}

/** A source of pieces as one row of bytes; holds one piece and what is being taken. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  #piece = new Uint8Array(0)
  #at = 0

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  }

  /** The next byte, which stays; undefined at the end. */
  async peek(): Promise<number | undefined> {
    while (this.#at === this.#piece.length) {
      const next = await this.#source.next()
      if (next.done === true) return undefined
      this.#piece = Uint8Array.from(next.value)
      this.#at = 0
    }
    return this.#piece[this.#at]
  }

  async skip(byte: number): Promise<boolean> {
    if ((await this.peek()) !== byte) return false
    this.#at++
    return true
  }

  async take(length: number, what: string): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    for (let filled = 0; filled < length;) {
      if ((await this.peek()) === undefined) throw refused(`it ends inside ${what}`)
      const part = this.#piece.subarray(this.#at, this.#at + length - filled)
      bytes.set(part, filled)
      filled += part.length
      this.#at += part.length
    }
    return bytes
  }

  async expect(bytes: readonly number[], what: string): Promise<void> {
    const found = await this.take(bytes.length, what)
    if (!bytes.every((byte, index) => byte === found[index]))
      throw refused(`there is something else where ${what} belongs`)
  }
}

function refused(problem: string): ErisError {
  return new ErisError('ERR_ERIS_BLOCK_FILE', `not a file of ERIS blocks: ${problem}`)
}
