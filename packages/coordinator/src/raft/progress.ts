/** How far the leader knows each member to be, and what a majority of the voters has in common. */

export interface Progress {
  /** Last entry known to be equal and durable there. */
  match: number
  /** Next entry to send. */
  next: number
  /** When it last answered in this term. */
  heardAt: number
  /** Highest round of the leader that it answered. */
  round: number
  /** Entries were sent since it last answered: nothing is sent again before the next beat. */
  waiting: boolean
}

export function newProgress(lastIndex: number, now: number): Progress {
  return { match: 0, next: lastIndex + 1, heardAt: now, round: 0, waiting: false }
}

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1
}

/** The highest value that a majority of the voters has reached; 0 without voters. */
export function majorityValue(voters: readonly string[], valueOf: (voter: string) => number): number {
  const values = voters.map(valueOf).toSorted((a, b) => b - a)
  return values[majorityOf(voters.length) - 1] ?? 0
}
