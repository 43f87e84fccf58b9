/** The state of the root key in words. */
import type { RootStatus } from '@blocktree/node/method-table'
import { formatTime } from './format.ts'

export function rootLines(status: RootStatus): readonly string[] {
  const until = status.locksAtMs === undefined ? '' : ` until ${formatTime(status.locksAtMs)}`
  const lines = [status.isUnlocked ? `The root key is unlocked${until}.` : 'The root key is locked.']
  if (status.failedAttempts > 0)
    lines.push(`Wrong passphrases since the last right one: ${status.failedAttempts}.`)
  if (!status.hasRecovery)
    lines.push(
      'There is no recovery key: a lost root key cannot be replaced. Keep its passphrase and a key backup.'
    )
  return lines
}
