/** A line chart with logarithmic axes as SVG: enough to see whether something stays flat. */

export interface Series {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface Chart {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
}

const width = 760
const height = 420
const margin = { left: 70, right: 150, top: 50, bottom: 60 }
const colours = ['#0b6e99', '#c2410c', '#15803d', '#7e22ce', '#a16207']

export function drawChart({ title, xLabel, yLabel, series }: Chart): string {
  const points = series.flatMap((one) => one.points)
  const x = logarithmicScale(
    points.map((point) => point.x),
    margin.left,
    width - margin.right
  )
  const y = logarithmicScale(
    points.map((point) => point.y),
    height - margin.bottom,
    margin.top
  )
  const lines = series.map((one, index) =>
    drawSeries(one, colours[index % colours.length] ?? '#000', x.place, y.place)
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(width / 2, 26, title, 'text-anchor="middle" font-size="16"'),
    ...x.ticks.flatMap((tick) => [
      line(x.place(tick), margin.top, x.place(tick), height - margin.bottom),
      text(x.place(tick), height - margin.bottom + 20, tick.toLocaleString('en'), 'text-anchor="middle"')
    ]),
    ...y.ticks.flatMap((tick) => [
      line(margin.left, y.place(tick), width - margin.right, y.place(tick)),
      text(margin.left - 8, y.place(tick) + 4, tick.toLocaleString('en'), 'text-anchor="end"')
    ]),
    text((margin.left + width - margin.right) / 2, height - 14, xLabel, 'text-anchor="middle"'),
    text(0, 0, yLabel, `text-anchor="middle" transform="translate(18 ${height / 2}) rotate(-90)"`),
    ...spread(lines.map(({ labelY }) => labelY)).map((labelY, index) => {
      const colour = colours[index % colours.length] ?? '#000'
      return text(width - margin.right + 12, labelY + 4, series[index]?.name ?? '', `fill="${colour}"`)
    }),
    ...lines.map(({ shape }) => shape),
    '</svg>',
    ''
  ].join('\n')
}

interface Scale {
  readonly ticks: readonly number[]
  readonly place: (value: number) => number
}

/** From one power of ten to another, at least one apart. */
function logarithmicScale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1)
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    place: (value) => Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10
  }
}

function drawSeries(
  { points }: Series,
  colour: string,
  x: (value: number) => number,
  y: (value: number) => number
): { readonly shape: string; readonly labelY: number } {
  const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')
  const dots = points.map(
    (point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3.5" fill="${colour}"/>`
  )
  const shape = `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`
  return { shape, labelY: y(points.at(-1)?.y ?? 1) }
}

/** Moves labels apart that would lie over each other. */
function spread(places: readonly number[]): readonly number[] {
  const gap = 16
  const moved = [...places]
  const order = moved
    .map((_, index) => index)
    .toSorted((left, right) => (places[left] ?? 0) - (places[right] ?? 0))
  let last = Number.NEGATIVE_INFINITY
  for (const index of order) {
    last = Math.max(moved[index] ?? 0, last + gap)
    moved[index] = last
  }
  return moved
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`
}
