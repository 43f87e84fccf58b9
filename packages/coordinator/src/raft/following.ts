/** A follower's part: what it takes of the leader's log, and what it answers (Ongaro 2014, section 3.5). */
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'
import type { RaftState } from './state.ts'

/** Takes what continues the log that is here. @returns whether it did, and up to where or from where on to send */
export function takeAppend(
  state: RaftState,
  message: Extract<Message, { kind: 'append' }>
): { readonly success: boolean; readonly index: number } {
  const { log } = state
  const { previousIndex, previousTerm, entries } = message
  if (previousIndex > log.lastIndex) return { success: false, index: log.lastIndex + 1 }
  const known = log.termAt(previousIndex)
  if (known !== undefined && known !== previousTerm)
    return { success: false, index: Math.max(log.firstOfTerm(previousIndex), state.commit + 1) }
  for (const entry of entries) takeEntry(state, entry)
  const last = previousIndex + entries.length
  state.commit = Math.max(state.commit, Math.min(message.commit, last))
  return { success: true, index: last }
}

function takeEntry({ commit, log, outbox }: RaftState, entry: Entry): void {
  const known = log.termAt(entry.index)
  if (known === entry.term || entry.index <= commit) return
  if (known !== undefined) {
    log.truncate(entry.index)
    outbox.truncate(entry.index)
  }
  log.append(entry)
}

/** Takes the state as a whole in place of the log. */
export function takeSnapshot(state: RaftState, message: Extract<Message, { kind: 'snapshot' }>): void {
  const { lastIndex: index, lastTerm: term, membership } = message
  const snapshot = { index, term, membership, state: message.state }
  state.log.replaceBeginning(snapshot)
  state.outbox.install(snapshot)
  state.commit = index
}
