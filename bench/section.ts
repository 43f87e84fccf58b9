/** What a section of the benchmark is given and what it hands back: figures with targets, tables, honest notes. */

export interface BenchContext {
  /** Small corpora and few rounds: to see that everything works, not to publish. */
  readonly isQuick: boolean
  /** Four times as much content where a section says so: `--size 1g`. */
  readonly isLarge: boolean
  /** Rounds asked for on the command line; each section has a default of its own. */
  readonly runs: number | undefined
  /** How long to watch what is at rest; each section has a default of its own. */
  readonly minutes: number | undefined
  /** Scratch place of this run; removed at its end. */
  readonly directory: string
  /** Where corpora are kept. */
  readonly corpora: string
  /** Where pictures and results go. */
  readonly output: string
  /** Names of the peers to run; all when undefined. */
  readonly peers: readonly string[] | undefined
  /** One line on what is going on now. */
  progress(line: string): void
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly target?: Target
}

export interface Target {
  readonly bound: 'at least' | 'more than' | 'at most' | 'below'
  readonly value: number
}

export interface Table {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface SectionResult {
  readonly name: string
  readonly title: string
  readonly dateIso: string
  readonly durationSeconds: number
  readonly isQuick: boolean
  readonly command: string
  /** State of the sources that were measured. */
  readonly commit: string
  readonly figures: readonly Figure[]
  readonly tables: readonly Table[]
  /** Files of `output`, shown below the tables. */
  readonly pictures: readonly string[]
  readonly notes: readonly string[]
}

export type Measured = Pick<SectionResult, 'figures' | 'tables' | 'notes'> & {
  readonly pictures?: readonly string[]
}

export interface Section {
  readonly name: string
  readonly title: string
  run(context: BenchContext): Promise<Measured>
}

export function isReached({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined
  switch (target.bound) {
    case 'at least':
      return value >= target.value
    case 'more than':
      return value > target.value
    case 'at most':
      return value <= target.value
    case 'below':
      return value < target.value
    default:
      return target.bound satisfies never
  }
}
