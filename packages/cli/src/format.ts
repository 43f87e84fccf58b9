/** Numbers, times and tables as a person reads them. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`
}

/** Local time to the minute. */
export function formatTime(timeMs: number | undefined): string {
  if (timeMs === undefined) return '-'
  const date = new Date(timeMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 1) return `${Math.round(milliseconds)} ms`
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** Enough of an identifier to tell it from others by eye; the last characters differ most. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 6)}…${id.slice(-8)}`
}

/** `drwxr-xr-x`; without a mode the usual one of its kind. */
export function formatMode(kind: string, mode: number | undefined): string {
  const letter = kind === 'directory' ? 'd' : kind === 'symlink' ? 'l' : '-'
  const bits = mode ?? (kind === 'directory' ? 0o755 : kind === 'symlink' ? 0o777 : 0o644)
  const triplet = (value: number): string =>
    `${(value & 4) === 0 ? '-' : 'r'}${(value & 2) === 0 ? '-' : 'w'}${(value & 1) === 0 ? '-' : 'x'}`
  return letter + triplet(bits >> 6) + triplet(bits >> 3) + triplet(bits)
}

/** Columns padded to their widest cell; the last one is not padded. */
export function formatTable(
  rows: readonly (readonly string[])[],
  right: readonly number[] = []
): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell))
  }
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell)))
        if (right.includes(index)) return padding + cell
        return index === row.length - 1 ? cell : cell + padding
      })
      .join('  ')
      .trimEnd()
  )
}

// eslint-disable-next-line no-control-regex -- escape sequences of colours begin with one
const colourPattern = /\u001b\[\d*m/g

/** Characters on the screen: marks that combine take none, wide scripts two. */
function width(text: string): number {
  let total = 0
  for (const character of text.replaceAll(colourPattern, '')) {
    if (/\p{M}/u.test(character)) continue
    total +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(
        character
      )
        ? 2
        : 1
  }
  return total
}

/**
 * What steers a terminal or the order of reading: control characters, marks that turn the direction of writing (with
 * them "gpj.exe" is shown as "exe.jpg"), separators of lines and paragraphs, and spaces without a width.
 */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g

/** Names from the tree may hold anything but NUL and "/": what would disguise them is shown as `\uXXXX`. */
export function printable(name: string): string {
  return name.replaceAll(steering, escaped)
}

/** The same for whole texts, which may have several lines, tabs and colours. */
export function visible(text: string): string {
  return text.replaceAll(steering, (character, at: number) => {
    if (character === '\n' || character === '\t') return character
    colourHere.lastIndex = at
    return colourHere.test(text) ? character : escaped(character)
  })
}

// eslint-disable-next-line no-control-regex -- as above
const colourHere = /\u001b\[\d*m/y

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
