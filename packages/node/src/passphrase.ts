/** Passphrases a person gives for the root key, by file or variable; generated ones come from the crypto layer. */
import { readFileSync } from 'node:fs'
import { NodeError, reasonOf } from './node-error.ts'

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
    throw new NodeError(
      'ERR_CONFIGURATION_FILE',
      `cannot read passphrase file "${file}": ${reasonOf(cause)}`,
      { cause }
    )
  }
  return checkPassphrase(text.split(/\r?\n/, 1)[0] ?? '', `passphrase file "${file}"`)
}

/** @throws ERR_CONFIGURATION_VALUE when it is too short; the message never holds it */
export function checkPassphrase(passphrase: string, where: string): string {
  const characters = [...passphrase].length
  if (characters >= passphraseCharactersMin) return passphrase
  throw new NodeError(
    'ERR_CONFIGURATION_VALUE',
    `${where} holds ${characters} characters; use at least ${passphraseCharactersMin}`
  )
}
