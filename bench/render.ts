/** Results as Markdown: for the terminal and for RESULTS.md. */
import { type Figure, isReached, type SectionResult, type Table } from './section.ts'
import type { Machine } from './machine.ts'

export function renderSection(result: SectionResult, pictureBase?: string): string {
  const parts = [`## ${result.title}`, '']
  if (result.isQuick) parts.push('*Quick run: small corpora and few rounds; not for comparison.*', '')
  parts.push(
    `\`${result.command}\` on ${result.dateIso.slice(0, 10)} at commit ${result.commit}, ${Math.round(result.durationSeconds)} s`,
    ''
  )
  if (result.figures.length > 0) parts.push(renderTable(figureTable(result.figures)), '')
  for (const table of result.tables) parts.push(`**${table.title}**`, '', renderTable(table), '')
  if (pictureBase !== undefined) {
    for (const picture of result.pictures) parts.push(`![${result.title}](${pictureBase}/${picture})`, '')
  }
  for (const note of result.notes) parts.push(`* ${note}`)
  return `${parts.join('\n').trimEnd()}\n`
}

export function renderPage(machine: Machine, results: readonly SectionResult[], pictureBase: string): string {
  const figures = results.flatMap((result) => result.figures)
  const judged = figures.filter((figure) => figure.target !== undefined)
  const reached = judged.filter((figure) => isReached(figure) === true)
  const rows = Object.entries(machine).map(([name, value]) => [name, value])
  return [
    '# Measured',
    '',
    'Made by `npm run bench -- --write-results`; nothing here is written by hand. Medians of interleaved runs (A B C A B C …),',
    'every ratio from runs of the same session on the same machine.',
    '',
    `**${reached.length} of ${judged.length} targets reached** on:`,
    '',
    renderTable({ title: '', head: ['machine', ''], rows }),
    '',
    ...results.map((result) => renderSection(result, pictureBase))
  ].join('\n')
}

function figureTable(figures: readonly Figure[]): Table {
  return {
    title: '',
    head: ['figure', 'measured', 'target', ''],
    rows: figures.map((figure) => {
      const { name, unit, target } = figure
      const reached = isReached(figure)
      return [
        name,
        `${formatNumber(figure.value)} ${unit}`.trim(),
        target === undefined ? '' : `${target.bound} ${formatNumber(target.value)} ${unit}`.trim(),
        reached === undefined ? '' : reached ? 'reached' : '**not reached**'
      ]
    })
  }
}

/** Columns are padded, so that the source is as readable as what becomes of it. */
export function renderTable({ head, rows }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0))
  )
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => padCell(cells[column] ?? '', width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

function padCell(text: string, width: number): string {
  return /^[~<]?[\d,.]+( .{1,5})?$/.test(text) ? text.padStart(width) : text.padEnd(width)
}

/** Three significant digits, whole numbers with separators. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
