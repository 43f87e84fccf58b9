/** Vectors of doc/spec/04-key-files.md: whole files, what is refused with which code, words of passphrases. */
import { CryptoError, passphraseWord, passwordBytes } from '@blocktree/crypto'
import { decodeKeyFile, encodeKeyFile } from '@blocktree/crypto/key-file'
import { createPortableProvider } from '@blocktree/crypto/portable'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

const crypto = createPortableProvider()
const fixedSalt = { ...crypto, random: { bytes: (length: number) => filled(length, 0xa0) } }
const secret = { signSeed: filled(32, 0), kemSeed: filled(32, 32) }
const password = new TextEncoder().encode('correct horse')
const cost = { memoryKib: 64, passes: 2, parallelism: 2 }

export async function generateVectors(): Promise<VectorPage> {
  const plain = await encodeKeyFile(crypto, secret, undefined, cost)
  const sealed = await encodeKeyFile(fixedSalt, secret, password, cost)
  const seeds = { signSeed: hex(secret.signSeed), kemSeed: hex(secret.kemSeed) }
  return {
    name: 'key-files',
    specification: 'doc/spec/04-key-files.md',
    comment:
      'accept: `file` opens with `password` (absent = plain) to the two seeds. refuse: `file` with `password` fails with ' +
      '`error`. words: the word of an index. passwords: the bytes for a typed text.',
    groups: {
      accept: [
        { comment: 'plain', file: hex(plain), ...seeds },
        { comment: 'sealed', file: hex(sealed), password: hex(password), ...cost, ...seeds }
      ],
      refuse: await refuseCases(plain, sealed),
      words: [0, 1, 5, 100, 1023, 2047].map((index) => ({ comment: '', index, word: passphraseWord(index) })),
      passwords: passwordCases()
    }
  }
}

function filled(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_unused, index) => (first + index) & 0xff)
}

async function refuseCases(plain: Uint8Array, sealed: Uint8Array): Promise<VectorCase[]> {
  const cases: readonly (readonly [string, Uint8Array, Uint8Array | undefined])[] = [
    ['nothing', new Uint8Array(0), undefined],
    ['another magic', withChecksum(plain.with(5, 0x0a)), undefined],
    ['version 2', withChecksum(plain.with(8, 2)), undefined],
    ['sealing 2', withChecksum(plain.with(9, 2)), undefined],
    ['a reserved byte set', withChecksum(plain.with(11, 1)), undefined],
    ['a changed seed, checksum not', plain.with(12, 1), undefined],
    ['plain, one byte short', plain.subarray(0, -1), undefined],
    ['plain, one byte long', Uint8Array.of(...plain, 0), undefined],
    ['sealed, no password', sealed, undefined],
    ['sealed, another password', sealed, new TextEncoder().encode('correct house')],
    ['1 GiB and 1 KiB of memory', withChecksum(withMemory(sealed, 2 ** 20 + 1)), password],
    ['less memory than 8 KiB a lane', withChecksum(withMemory(sealed, 15)), password],
    ['another cost within the bounds', withChecksum(withMemory(sealed, 32)), password],
    ['a changed commitment', withChecksum(sealed.with(40, 0)), password],
    ['a changed ciphertext', withChecksum(sealed.with(72, 0)), password]
  ]
  const refused: VectorCase[] = []
  for (const [comment, file, given] of cases) {
    const error = await refusal(file, given)
    refused.push({ comment, file: hex(file), ...(given && { password: hex(given) }), error })
  }
  return refused
}

function withChecksum(file: Uint8Array): Uint8Array {
  const fixed = Uint8Array.from(file)
  fixed.set(crypto.sha256(fixed.subarray(0, -32)), fixed.length - 32)
  return fixed
}

function withMemory(file: Uint8Array, memoryKib: number): Uint8Array {
  const changed = Uint8Array.from(file)
  new DataView(changed.buffer).setUint32(12, memoryKib)
  return changed
}

async function refusal(file: Uint8Array, given: Uint8Array | undefined): Promise<string> {
  try {
    await decodeKeyFile(crypto, file, given)
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}

function passwordCases(): VectorCase[] {
  const words = Array.from({ length: 12 }, (_unused, index) => passphraseWord(index * 170))
  const texts: readonly (readonly [string, string])[] = [
    ['a generated passphrase', words.join(' ')],
    ['the same with hyphens and capitals', words.join('-').toUpperCase()],
    ['eleven words are no passphrase', words.slice(1).join('-')],
    ['any other text, as typed', ' Two  Words '],
    ['NFC', 'u\u0308']
  ]
  return texts.map(([comment, typed]) => ({ comment, typed, bytes: hex(passwordBytes(typed)) }))
}
