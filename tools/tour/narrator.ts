/** How the tour speaks: numbered steps, plain sentences, figures, and what was expected and held. */

export interface Narrator {
  /** Begins a step. */
  step(title: string): void
  /** A sentence of the step. */
  say(sentence: string): void
  /** Something that had to be so. Throws TourFailure when it was not. */
  hold(isTrue: boolean, sentence: string): void
  /** A figure for the summary at the end. */
  figure(name: string, value: string): void
  /** What goes on now; replaced by the next line where a terminal is there, else not shown. */
  busy(text: string): void
  /** All figures. */
  summary(): void
}

/** A promise of the platform that did not hold. */
export class TourFailure extends Error {
  override readonly name = 'TourFailure'
}

export interface NarratorOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export function createNarrator(output: NarratorOutput, hasColour: boolean): Narrator {
  const paint = (code: number, text: string): string => (hasColour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const figures: [string, string][] = []
  let steps = 0
  let held = 0
  const isTerminal = output.isTTY === true
  const line = (text: string): void => void output.write(`${isTerminal ? '\r\u001b[K' : ''}${text}\n`)
  return {
    step(title) {
      steps++
      line('')
      line(paint(1, `${steps}. ${title}`))
    },
    say: (sentence) => line(`   ${sentence}`),
    hold(isTrue, sentence) {
      if (!isTrue) throw new TourFailure(sentence)
      held++
      line(`   ${paint(32, '✓')} ${sentence}`)
    },
    figure: (name, value) => void figures.push([name, value]),
    busy(text) {
      if (isTerminal) output.write(`\r\u001b[K   ${paint(2, text)}`)
    },
    summary() {
      const width = Math.max(...figures.map(([name]) => name.length))
      line('')
      line(paint(1, `Everything held: ${held} of ${held} checks. Measured on the way:`))
      for (const [name, value] of figures) line(`   ${name.padEnd(width)}   ${value}`)
    }
  }
}

/** `12,345` */
export function count(value: number): string {
  return value.toLocaleString('en')
}

/** `12,345 files`, `1 file`; the plural of "directory" is given. */
export function many(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`
}

/** `407 MiB`, `3.2 KiB` */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}

/** `850 ms`, `12.3 s` */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}
