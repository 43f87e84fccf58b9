/** Passphrases of the root key: generated words, or what a person gave by file or variable. */
import { readFileSync } from 'node:fs'
import type { Random } from '@blocktree/crypto'
import { NodeError, reasonOf } from './node-error.ts'
import { passphraseWords } from './passphrase-words.ts'

const wordsInPassphrase = 8 // 80 bits, stretched by Argon2id besides

/** Eight words; 65,536 is a multiple of 1,024, so no word is likelier than another. */
export function generatePassphrase(random: Random): string {
  const bytes = random.bytes(wordsInPassphrase * 2)
  const words: string[] = []
  for (let index = 0; index < bytes.length; index += 2) {
    const number = ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)
    words.push(passphraseWords[number % passphraseWords.length] ?? '')
  }
  return words.join(' ')
}

/** The spelling that is sealed: NFC, single spaces between words, nothing around. Case counts. */
export function normalizePassphrase(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/gu, ' ')
}

/** The bytes that go into key derivation. */
export function passphraseBytes(text: string): Uint8Array {
  return new TextEncoder().encode(normalizePassphrase(text))
}

const passphraseCharactersMin = 12 // given by a person; stretched by Argon2id

/**
 * The first line of the file. ERR_CONFIGURATION_FILE when it cannot be read, ERR_CONFIGURATION_VALUE when it is
 * too short.
 */
export function readPassphraseFile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new NodeError('ERR_CONFIGURATION_FILE', `cannot read passphrase file "${file}": ${reasonOf(cause)}`, { cause })
  }
  return checkPassphrase(text.split('\n', 1)[0] ?? '', `passphrase file "${file}"`)
}

/** @throws ERR_CONFIGURATION_VALUE when it is too short; the message never holds it */
export function checkPassphrase(text: string, where: string): string {
  const passphrase = normalizePassphrase(text)
  if (passphrase.length >= passphraseCharactersMin) return passphrase
  throw new NodeError(
    'ERR_CONFIGURATION_VALUE',
    `${where} holds ${passphrase.length} characters; use at least ${passphraseCharactersMin}`
  )
}
