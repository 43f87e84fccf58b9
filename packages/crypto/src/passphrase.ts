/**
 * Passphrases of made-up words, for sealing a key that nobody chose a password for (doc/spec/04-key-files.md, section 5).
 * A word is consonant, vowel, consonant, vowel from four tables of 16, 4, 8 and 4 letters: 2,048 words, 11 bits each, all of
 * four letters and each spelt in one way. The tables leave out i, l, q, x and y, which are misread, and c, which is misheard.
 */
import { CryptoError } from './crypto-error.ts'
import type { Random } from './crypto-provider.ts'

const firstConsonants = 'bdfghjkmnprstvwz'
const secondConsonants = 'bjmnrsvz'
const vowels = 'aeou'

/** 12 words of 11 bits are 132 bits. */
export const passphraseWordsMin = 12
const passphraseWordsMax = 64

/** @returns words separated by single spaces; ERR_CRYPTO_ARGUMENT for fewer than 12 words or more than 64 */
export function generatePassphrase(random: Random, words: number = passphraseWordsMin): string {
  if (!Number.isInteger(words) || words < passphraseWordsMin || words > passphraseWordsMax) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', `passphrase of ${words} words, ask for 12 to 64`)
  }
  const drawn = random.bytes(2 * words)
  const text = Array.from({ length: words }, (_, index) =>
    passphraseWord((((drawn[2 * index] ?? 0) << 8) | (drawn[2 * index + 1] ?? 0)) & 0x7ff)
  ).join(' ')
  drawn.fill(0)
  return text
}

/** The word with an index from 0 to 2047: bits 10-7 first consonant, 6-5 vowel, 4-2 second consonant, 1-0 vowel. */
export function passphraseWord(index: number): string {
  return (
    firstConsonants.charAt(index >> 7) +
    vowels.charAt((index >> 5) & 3) +
    secondConsonants.charAt((index >> 2) & 7) +
    vowels.charAt(index & 3)
  )
}

const generatedPattern = /^(?:[bdfghjkmnprstvwz][aeou][bjmnrsvz][aeou]){12,64}$/u

/**
 * The bytes that go into Argon2id for a password typed by a person. A generated passphrase is forgiving: capitals, line
 * breaks, hyphens and repeated spaces make no difference. Any other password is taken as typed, in NFC, UTF-8.
 */
export function passwordBytes(typed: string): Uint8Array {
  const letters = typed.toLowerCase().replaceAll(/[\s\-_,.]+/gu, '')
  const text = generatedPattern.test(letters)
    ? letters.replaceAll(/(.{4})(?!$)/gu, '$1 ')
    : typed.normalize('NFC')
  return new TextEncoder().encode(text)
}
