/**
 * Counters of the gateway in the text format that Prometheus reads (version 0.0.4). The set of series is bounded:
 * label values are app names that exist and classes of status, never what a client sends.
 */

export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metric {
  /** `blocktree_…`, in base units, with `_total` for counters. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly MetricSample[]
}

/** Upper bounds of the histogram, in seconds. */
const durationBounds: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10]

interface AppCounters {
  readonly byClass: number[]
  readonly buckets: number[]
  durationMs: number
  bytesSent: number
}

export class GatewayMetrics {
  readonly #apps = new Map<string, AppCounters>()
  #refused = 0

  /** One answer of an app (or of its assets). */
  count(app: string, status: number, durationMs: number, bytes: number): void {
    const counters = this.#apps.get(app) ?? this.#add(app)
    const statusClass = Math.floor(status / 100)
    counters.byClass[statusClass] = (counters.byClass[statusClass] ?? 0) + 1
    counters.durationMs += durationMs
    counters.bytesSent += bytes
    const found = durationBounds.findIndex((bound) => durationMs <= bound * 1000)
    const bucket = found < 0 ? durationBounds.length : found
    counters.buckets[bucket] = (counters.buckets[bucket] ?? 0) + 1
  }

  /** A request that no app was asked about. */
  countRefused(): void {
    this.#refused += 1
  }

  /** Text for `/metrics`: those of the gateway, then `more`. */
  text(
    gauges: { readonly connections: number; readonly requestsRunning: number },
    more: readonly Metric[]
  ): string {
    const lines: string[] = []
    for (const metric of [...this.#metrics(gauges), ...more]) addMetric(lines, metric)
    this.#addDurations(lines)
    return `${lines.join('\n')}\n`
  }

  #add(app: string): AppCounters {
    const counters: AppCounters = { byClass: [], buckets: [], durationMs: 0, bytesSent: 0 }
    this.#apps.set(app, counters)
    return counters
  }

  #metrics(gauges: { readonly connections: number; readonly requestsRunning: number }): Metric[] {
    const requests: MetricSample[] = []
    const bytes: MetricSample[] = []
    for (const [app, counters] of this.#apps) {
      counters.byClass.forEach((value, index) => {
        requests.push({ labels: { app, status: `${index}xx` }, value })
      })
      bytes.push({ labels: { app }, value: counters.bytesSent })
    }
    return [
      counter('blocktree_http_requests_total', 'Answered requests by app and class of status.', requests),
      counter('blocktree_http_response_bytes_total', 'Bytes of bodies sent.', bytes),
      counter('blocktree_http_refused_total', 'Requests refused before any app was asked.', [
        { value: this.#refused }
      ]),
      gauge('blocktree_http_connections', 'Open connections.', gauges.connections),
      gauge('blocktree_http_requests_running', 'Requests being answered.', gauges.requestsRunning)
    ]
  }

  #addDurations(lines: string[]): void {
    const name = 'blocktree_http_request_duration_seconds'
    lines.push(`# HELP ${name} Time to the end of the answer.`, `# TYPE ${name} histogram`)
    for (const [app, counters] of this.#apps) {
      let below = 0
      for (const [index, bound] of [...durationBounds, '+Inf'].entries()) {
        below += counters.buckets[index] ?? 0
        lines.push(`${name}_bucket{app="${app}",le="${bound}"} ${below}`)
      }
      lines.push(
        `${name}_sum{app="${app}"} ${counters.durationMs / 1000}`,
        `${name}_count{app="${app}"} ${below}`
      )
    }
  }
}

function counter(name: string, help: string, samples: readonly MetricSample[]): Metric {
  return { name, help, type: 'counter', samples }
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', samples: [{ value }] }
}

function addMetric(lines: string[], { name, help, type, samples }: Metric): void {
  lines.push(`# HELP ${name} ${escapeText(help)}`, `# TYPE ${name} ${type}`)
  for (const { labels, value } of samples) {
    const entries = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escapeText(text)}"`)
    lines.push(`${name}${entries.length === 0 ? '' : `{${entries.join(',')}}`} ${value}`)
  }
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
