/** Whether the clock of a peer differs from the one here so much that a person should know. */

const offsetMsMax = 60_000 // NTP keeps machines within a second; admission forgives ten minutes
const minuteMs = 60_000

export function isClockOff(offsetMs: number): boolean {
  return Math.abs(offsetMs) > offsetMsMax
}

/** @param offsetMs its clock less ours */
export function describeClock(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / minuteMs)
  const length = minutes < 120 ? `${minutes} minutes` : `${(minutes / 60).toFixed(1)} hours`
  return `${length} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}
