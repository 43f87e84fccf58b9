/** What a command came to, as the leader tells it to the member that asked (doc/spec/29-coordinator.md, section 4). */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'

export type CommandOutcome =
  /** `value`: the session, the token or the first number; 0 where there is none */
  | 'done'
  /** in the queue of the lock */
  | 'queued'
  /** somebody else holds the lock */
  | 'held'
  /** session, lease or request is over */
  | 'ended'
  /** beyond a limit of the state */
  | 'full'

export interface CommandResult {
  readonly outcome: CommandOutcome
  readonly value: number
}

const outcomes: readonly CommandOutcome[] = ['done', 'queued', 'held', 'ended', 'full']

export function writeResult(writer: CanonicalWriter, result: CommandResult): void {
  writer.array(2).uint(outcomes.indexOf(result.outcome)).uint(result.value)
}

export function readResult(reader: CanonicalReader): CommandResult {
  reader.arrayOf(2)
  const outcome = outcomes[reader.uint(outcomes.length - 1)] ?? 'ended'
  return { outcome, value: reader.uint() }
}
