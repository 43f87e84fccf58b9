/** What apps and the host say about them: the newest lines of each app, and followers. Bounded; not kept over a restart. */
import type { AppLogLine } from '@blocktree/apps'

export interface TimedAppLogLine extends AppLogLine {
  readonly timeMs: number
}

const linesKept = 500 // of each app and source, about 100 KiB at most lengths that people write
const charactersKept = 512 * 1024 // of each app and source, whatever the lengths

/** The newest lines of one source, in the order of all. */
interface Lines {
  readonly entries: { readonly order: number; readonly line: TimedAppLogLine }[]
  characters: number
}

type Sources = Readonly<Record<AppLogLine['source'], Lines>>

export class AppLog {
  readonly #now: () => number
  readonly #apps = new Map<string, Sources>()
  readonly #followers = new Set<(line: TimedAppLogLine) => void>()
  #order = 0

  constructor(now: () => number) {
    this.#now = now
  }

  add(line: AppLogLine): void {
    const timed = { ...line, timeMs: this.#now() }
    const sources = this.#apps.get(line.app) ?? { app: noLines(), host: noLines() }
    this.#apps.set(line.app, sources)
    keep(sources[line.source], { order: this.#order++, line: timed })
    for (const tell of this.#followers) tell(timed)
  }

  /** Newest last. Half of them are of the node while it has said that much: an app cannot write its words out of sight. */
  recent(app: string, limit: number): readonly TimedAppLogLine[] {
    const sources = this.#apps.get(app)
    if (sources === undefined) return []
    const { app: own, host } = sources
    const ofHost = Math.min(host.entries.length, Math.max(limit - own.entries.length, Math.ceil(limit / 2)))
    const entries = [...newest(host, ofHost), ...newest(own, limit - ofHost)]
    return entries.sort((one, other) => one.order - other.order).map(({ line }) => line)
  }

  /** @returns ends it */
  follow(tell: (line: TimedAppLogLine) => void): () => void {
    this.#followers.add(tell)
    return () => void this.#followers.delete(tell)
  }

  forget(app: string): void {
    this.#apps.delete(app)
  }
}

function noLines(): Lines {
  return { entries: [], characters: 0 }
}

function keep(lines: Lines, entry: Lines['entries'][number]): void {
  lines.entries.push(entry)
  lines.characters += entry.line.message.length
  while (
    lines.entries.length > linesKept ||
    (lines.characters > charactersKept && lines.entries.length > 1)
  ) {
    lines.characters -= lines.entries.shift()?.line.message.length ?? 0
  }
}

function newest({ entries }: Lines, count: number): Lines['entries'] {
  return count <= 0 ? [] : entries.slice(-count)
}
