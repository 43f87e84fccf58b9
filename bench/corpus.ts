/**
 * Deterministic corpora: the same bytes on every machine.
 *
 * `large`: 256 MiB in large files (one of 96 MiB, ten of 16 MiB): throughput.
 * `mixed`: 256 MiB in 1,962 files from 4 KiB to about 90 MiB, 60 % random, 40 % words.
 * `small`: 100,000 files of 100 B to 16 KiB in 1,000 directories: cost per file.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type CorpusName = 'large' | 'mixed' | 'small'

export interface Corpus {
  readonly name: CorpusName
  readonly directory: string
  readonly files: number
  readonly bytes: number
}

/**
 * Creates the corpus below `root` unless a complete one is there.
 * @param isQuick a tenth of the small files, a quarter of the others
 * @param copy others than 0 have files of the same lengths with other bytes
 */
export function prepareCorpus(root: string, name: CorpusName, isQuick = false, copy = 0): Corpus {
  const suffix = `${isQuick ? '-quick' : ''}${copy === 0 ? '' : `-${copy}`}`
  const directory = join(root, `corpus-${name}${suffix}`)
  const sizes = isQuick ? quickSizes(name) : fileSizes(name)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const marker = `${directory}.complete`
  if (!existsSync(marker)) {
    writeFiles(directory, sizes, copy * 1_000_000)
    writeFileSync(marker, '')
  }
  return { name, directory, files: sizes.length, bytes }
}

const mebibyte = 1 << 20

function fileSizes(name: CorpusName): number[] {
  const random = createRandom(20_220_414)
  switch (name) {
    case 'large':
      return [96 * mebibyte, ...new Array<number>(10).fill(16 * mebibyte)]
    case 'mixed': {
      const sizes = Array.from({ length: 1500 }, () => 4096 + (random() % (12 * 1024)))
      sizes.push(...new Array<number>(400).fill(64 * 1024), ...new Array<number>(56).fill(mebibyte))
      sizes.push(...new Array<number>(5).fill(16 * mebibyte))
      sizes.push(256 * mebibyte - sizes.reduce((sum, size) => sum + size, 0))
      return sizes
    }
    case 'small':
      return Array.from({ length: 100_000 }, () => 100 + (random() % (16 * 1024 - 99)))
  }
}

function quickSizes(name: CorpusName): number[] {
  const sizes = fileSizes(name)
  switch (name) {
    case 'large':
      return sizes.map((size) => size / 4)
    case 'mixed':
      return sizes.filter((_size, index) => index % 4 === 1)
    case 'small':
      return sizes.slice(0, sizes.length / 10)
    default:
      return name satisfies never
  }
}

function writeFiles(directory: string, sizes: readonly number[], firstSeed: number): void {
  const filesPerDirectory = 100
  for (const [index, size] of sizes.entries()) {
    const parent = join(
      directory,
      `d${Math.floor(index / filesPerDirectory)
        .toString()
        .padStart(4, '0')}`
    )
    if (index % filesPerDirectory === 0) mkdirSync(parent, { recursive: true })
    writeFileSync(
      join(parent, `file-${index}.${index % 5 < 3 ? 'bin' : 'txt'}`),
      content(firstSeed + index, size)
    )
  }
}

function content(seed: number, size: number): Uint8Array {
  const random = createRandom(seed + 1)
  if (seed % 5 >= 3) return words(random, size)
  const numbers = new Uint32Array(Math.ceil(size / 4))
  for (let index = 0; index < numbers.length; index++) numbers[index] = random()
  return new Uint8Array(numbers.buffer, 0, size)
}

const vocabulary =
  'tree block key cap zone epoch grant node sector header root leaf owner share host sign'.split(' ')

function words(random: () => number, size: number): Uint8Array {
  const parts: string[] = []
  for (let length = 0; length < size;) {
    const word = vocabulary[random() % vocabulary.length] ?? ''
    parts.push(word)
    length += word.length + 1
  }
  return new TextEncoder().encode(parts.join(' ').padEnd(size, '.')).subarray(0, size)
}

/** xorshift32: fast and the same everywhere; nothing here needs more. */
function createRandom(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}
