/**
 * The block kernel in WebAssembly with 128-bit vectors (../simd/block-kernel.c): the default, 1.0 to 1.3 times as fast as
 * libsodium on one core without any native code (doc/adr/0015-eris.md). It needs no import of node.
 */
import { expectBlockBatch, expectHashLength, expectSecret, hashBytesMax } from './block-batch.ts'
import {
  type BlockBatch,
  type BlockKernel,
  blockKeyBytes,
  pairBytes,
  referenceBytes
} from './block-kernel.ts'
import { moduleBase64 } from './simd-block-module.ts'

/** What goes through memory at once: large enough to forget the call, small enough for the second-level cache. */
const roomBytes = hashBytesMax
const secretBytes = 32
const pageBytes = 65_536

interface Exports {
  readonly __heap_base: { readonly value: number }
  readonly hash: (bytes: number, length: number, digest: number) => void
  readonly seal: (
    blocks: number,
    count: number,
    length: number,
    level: number,
    secret: number,
    pairs: number
  ) => void
  readonly hash_blocks: (
    blocks: number,
    count: number,
    length: number,
    secret: number,
    digests: number
  ) => void
  readonly open: (blocks: number, count: number, length: number, level: number, pairs: number) => number
}

interface WebAssemblyInterface {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Exports }
}

/** ChaCha20 of RFC 8439 from counter 0, in place. */
export type BlockCipher = (block: Uint8Array, nonce: Uint8Array, key: Uint8Array) => void

/** From this size on a native cipher gains more than its call costs. */
const nativeCipherBytesMin = 8192

/**
 * @param cipher a faster ChaCha20 than the module's, for large blocks
 * @returns undefined where WebAssembly with vectors does not run
 */
export function createSimdBlockKernel(cipher?: BlockCipher): BlockKernel | undefined {
  try {
    return new SimdBlockKernel(cipher)
  } catch {
    return undefined
  }
}

let compiled: object | undefined

class SimdBlockKernel implements BlockKernel {
  readonly name = 'simd'
  readonly #cipher: BlockCipher | undefined
  readonly #nonce = new Uint8Array(12)
  readonly #exports: Exports
  readonly #memory: Uint8Array
  readonly #secretAt: number
  readonly #pairsAt: number
  readonly #blocksAt: number

  constructor(cipher: BlockCipher | undefined) {
    this.#cipher = cipher
    const { Memory, Module, Instance } = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyInterface
    compiled ??= new Module(Uint8Array.fromBase64(moduleBase64))
    // Stack and constants, blocks, pairs of the smallest blocks twice: digests of `open` lie behind the pairs.
    const pages = 2 + (roomBytes + roomBytes / 2) / pageBytes
    const memory = new Memory({ initial: pages, maximum: pages })
    this.#exports = new Instance(compiled, { env: { memory } }).exports
    this.#memory = new Uint8Array(memory.buffer)
    this.#secretAt = (this.#exports.__heap_base.value + 15) & ~15
    this.#blocksAt = this.#secretAt + secretBytes
    this.#pairsAt = this.#blocksAt + roomBytes + 128 // `hash` sets zeros behind its bytes
  }

  hash(bytes: Uint8Array): Uint8Array {
    expectHashLength(bytes.length)
    this.#memory.set(bytes, this.#blocksAt)
    this.#exports.hash(this.#blocksAt, bytes.length, this.#pairsAt)
    return this.#memory.slice(this.#pairsAt, this.#pairsAt + referenceBytes)
  }

  seal(batch: BlockBatch, secret: Uint8Array | undefined): void {
    expectBlockBatch(batch)
    expectSecret(secret, batch.level)
    if (secret !== undefined) this.#memory.set(secret, this.#secretAt)
    const secretAt = secret === undefined ? 0 : this.#secretAt
    const { blockBytes, level } = batch
    this.#inRooms(batch, (blocks, pairs) => {
      const count = blocks.length / blockBytes
      this.#memory.set(blocks, this.#blocksAt)
      if (this.#cipher === undefined || blockBytes < nativeCipherBytesMin) {
        this.#exports.seal(this.#blocksAt, count, blockBytes, level, secretAt, this.#pairsAt)
      } else {
        this.#hashBlocks(count, blockBytes, secretAt, this.#pairsAt + referenceBytes)
        this.#runCipher(this.#cipher, count, batch)
        this.#hashBlocks(count, blockBytes, 0, this.#pairsAt)
      }
      this.#copyOut(this.#blocksAt, blocks)
      this.#copyOut(this.#pairsAt, pairs)
      return count
    })
    this.#memory.fill(0, this.#secretAt, this.#secretAt + secretBytes)
  }

  open(batch: BlockBatch): number {
    expectBlockBatch(batch)
    const { blockBytes, level } = batch
    return this.#inRooms(batch, (blocks, pairs) => {
      const count = blocks.length / blockBytes
      this.#memory.set(blocks, this.#blocksAt)
      this.#memory.set(pairs, this.#pairsAt)
      let good: number
      if (this.#cipher === undefined || blockBytes < nativeCipherBytesMin) {
        good = this.#exports.open(this.#blocksAt, count, blockBytes, level, this.#pairsAt)
      } else {
        const digestsAt = this.#pairsAt + pairs.length
        this.#hashBlocks(count, blockBytes, 0, digestsAt)
        good = countEqual(this.#memory, this.#pairsAt, digestsAt, count)
        this.#runCipher(this.#cipher, good, batch)
      }
      this.#copyOut(this.#blocksAt, blocks)
      return good
    })
  }

  #hashBlocks(count: number, blockBytes: number, secretAt: number, digestsAt: number): void {
    this.#exports.hash_blocks(this.#blocksAt, count, blockBytes, secretAt, digestsAt)
  }

  #runCipher(cipher: BlockCipher, count: number, { blockBytes, level }: BlockBatch): void {
    this.#nonce[0] = level
    for (let index = 0; index < count; index++) {
      const blockAt = this.#blocksAt + index * blockBytes
      const keyAt = this.#pairsAt + index * pairBytes + referenceBytes
      cipher(
        this.#memory.subarray(blockAt, blockAt + blockBytes),
        this.#nonce,
        this.#memory.subarray(keyAt, keyAt + blockKeyBytes)
      )
    }
  }

  #copyOut(from: number, target: Uint8Array): void {
    target.set(this.#memory.subarray(from, from + target.length))
  }

  /** Runs over as many blocks as fit at a time, while all are good; the sum of what was good. */
  #inRooms(
    { blocks, blockBytes, pairs }: BlockBatch,
    run: (blocks: Uint8Array, pairs: Uint8Array) => number
  ): number {
    const step = Math.floor(roomBytes / blockBytes)
    const count = blocks.length / blockBytes
    for (let first = 0; first < count; first += step) {
      const end = Math.min(count, first + step)
      const good = run(
        blocks.subarray(first * blockBytes, end * blockBytes),
        pairs.subarray(first * pairBytes, end * pairBytes)
      )
      if (good < end - first) return first + good
    }
    return count
  }
}

/** How many of the references equal the digests, from the first on; both 64 bytes apart. */
function countEqual(memory: Uint8Array, referencesAt: number, digestsAt: number, count: number): number {
  for (let index = 0; index < count; index++) {
    const at = index * pairBytes
    for (let byte = at; byte < at + referenceBytes; byte++) {
      if (memory[referencesAt + byte] !== memory[digestsAt + byte]) return index
    }
  }
  return count
}
