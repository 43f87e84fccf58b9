import { createPrincipalSecret } from '@blocktree/crypto'
import { describe, expect, test } from 'vitest'
import { formatRecoveryKey, parseRecoveryKey } from '../src/recovery-key.ts'

const secret = createPrincipalSecret(new Uint8Array(32).fill(1), new Uint8Array(32).fill(0xab))

describe('parseRecoveryKey', () => {
  test('reads what was formatted, however the lines are joined', () => {
    const lines = formatRecoveryKey(secret)
    for (const text of [lines.join('\n'), lines.join(' '), ` ${lines.join('\r\n')}\n`.toUpperCase()]) {
      const { signSeed, kemSeed } = parseRecoveryKey(text)
      expect([signSeed, kemSeed]).toEqual([secret.signSeed, secret.kemSeed])
    }
  })

  test('refuses a line that is missing, cut off or mistyped, and never repeats it', () => {
    const [first = '', second = ''] = formatRecoveryKey(secret)
    for (const text of [
      '',
      first,
      first + second.slice(1),
      `${first}${second}0`,
      `${first}x${second.slice(1)}`
    ]) {
      const read = (): unknown => parseRecoveryKey(text)
      expect(read).toThrow(expect.objectContaining({ code: 'ERR_RECOVERY_KEY' }))
      if (text !== '') expect(read).not.toThrow(new RegExp(text.slice(0, 16)))
    }
  })
})
