/** What apps and the host say about them: the newest lines of each app, and followers. Bounded; not kept over a restart. */
import type { AppLogLine } from '@blocktree/apps'

export interface TimedAppLogLine extends AppLogLine {
  readonly timeMs: number
}

const linesKept = 500 // of each app, about 100 KiB at most lengths that people write

export class AppLog {
  readonly #now: () => number
  readonly #lines = new Map<string, TimedAppLogLine[]>()
  readonly #followers = new Set<(line: TimedAppLogLine) => void>()

  constructor(now: () => number) {
    this.#now = now
  }

  add(line: AppLogLine): void {
    const timed = { ...line, timeMs: this.#now() }
    const lines = this.#lines.get(line.app) ?? []
    lines.push(timed)
    if (lines.length > linesKept) lines.shift()
    this.#lines.set(line.app, lines)
    for (const tell of this.#followers) tell(timed)
  }

  /** Newest last. */
  recent(app: string, limit: number): readonly TimedAppLogLine[] {
    return (this.#lines.get(app) ?? []).slice(-limit)
  }

  /** @returns ends it */
  follow(tell: (line: TimedAppLogLine) => void): () => void {
    this.#followers.add(tell)
    return () => void this.#followers.delete(tell)
  }

  forget(app: string): void {
    this.#lines.delete(app)
  }
}
