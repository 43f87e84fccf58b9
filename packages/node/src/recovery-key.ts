/** The recovery key as text: two lines of 64 hexadecimal digits, the seeds of its signing and its encryption key. */
import { createPrincipalSecret, type OpenedPrincipalSecret } from '@blocktree/crypto'
import { NodeError } from './node-error.ts'

const seedBytes = 32

export function formatRecoveryKey(
  secret: Pick<OpenedPrincipalSecret, 'signSeed' | 'kemSeed'>
): readonly string[] {
  return [secret.signSeed.toHex(), secret.kemSeed.toHex()]
}

/** White space is passed over. @throws ERR_RECOVERY_KEY; the message never holds the text */
export function parseRecoveryKey(text: string): OpenedPrincipalSecret {
  const digits = text.replace(/\s+/g, '').toLowerCase()
  if (!/^[0-9a-f]*$/.test(digits) || digits.length !== seedBytes * 4) {
    throw new NodeError(
      'ERR_RECOVERY_KEY',
      `a recovery key has ${seedBytes * 4} hexadecimal digits, this text has ${digits.length} characters; copy both lines as a whole`
    )
  }
  const bytes = Uint8Array.fromHex(digits)
  const secret = createPrincipalSecret(bytes.slice(0, seedBytes), bytes.slice(seedBytes))
  bytes.fill(0)
  return secret
}
