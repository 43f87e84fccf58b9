import { describe, expect, test } from 'vitest'
import { createNativeProvider } from '../src/native.ts'
import { generatePassphrase, passphraseWord, passwordBytes } from '../src/passphrase.ts'

const { random } = createNativeProvider()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('passphraseWord', () => {
  test('gives 2048 different words of four letters', () => {
    const words = Array.from({ length: 2048 }, (_, index) => passphraseWord(index))
    expect(new Set(words).size).toBe(2048)
    expect(words.every((word) => /^[a-z]{4}$/u.test(word))).toBe(true)
    expect([words[0], words[1], words[2047]]).toEqual(['baba', 'babe', 'zuzu'])
  })

  test('leaves out the letters that are misread', () => {
    const letters = new Set(Array.from({ length: 2048 }, (_, index) => passphraseWord(index)).join(''))
    for (const letter of 'cilqxy') expect(letters.has(letter)).toBe(false)
  })
})

describe('generatePassphrase', () => {
  test('takes eleven bits of each two bytes, so every word is equally likely', () => {
    const counted = { bytes: (length: number) => Uint8Array.from({ length }, (_, index) => index) }
    const expected = Array.from({ length: 12 }, (_, index) =>
      passphraseWord((((2 * index) << 8) | (2 * index + 1)) & 0x7ff)
    )
    expect(generatePassphrase(counted)).toBe(expected.join(' '))
  })

  test('gives twelve words, never the same twice', () => {
    const drawn = Array.from({ length: 100 }, () => generatePassphrase(random))
    expect(new Set(drawn).size).toBe(100)
    expect(drawn.every((phrase) => phrase.split(' ').length === 12)).toBe(true)
    expect(generatePassphrase(random, 24).split(' ')).toHaveLength(24)
  })

  test('refuses fewer words than 128 bits need', () => {
    for (const words of [0, 11, 12.5, 65, Number.NaN]) {
      expect(() => generatePassphrase(random, words)).toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_ARGUMENT' })
      )
    }
  })
})

describe('passwordBytes', () => {
  test('reads a generated passphrase however it is spaced and capitalised', () => {
    const phrase = generatePassphrase(random)
    const words = phrase.split(' ')
    for (const typed of [
      phrase,
      ` ${phrase}\n`,
      words.join('-'),
      words.join('\n'),
      phrase.toUpperCase(),
      words.join('')
    ]) {
      expect(text(passwordBytes(typed))).toBe(phrase)
    }
  })

  test('takes any other password as typed, in NFC', () => {
    for (const typed of ['', ' Two  spaces ', 'Baba Zuzu', 'x-y'])
      expect(text(passwordBytes(typed))).toBe(typed)
    expect(text(passwordBytes('u\u0308'))).toBe('\u00fc')
  })
})
