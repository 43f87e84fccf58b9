/** How long answers took, for bounds that a scenario states. */
export interface Latency {
  readonly count: number
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
}

export function summarizeLatency(timesMs: readonly number[]): Latency {
  const sorted = timesMs.toSorted((one, other) => one - other)
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { count: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) }
}

export function formatLatency({ count, medianMs, p95Ms, maxMs }: Latency): string {
  const round = (ms: number): string => ms.toFixed(1)
  return `median ${round(medianMs)} ms, p95 ${round(p95Ms)} ms, longest ${round(maxMs)} ms of ${count}`
}
