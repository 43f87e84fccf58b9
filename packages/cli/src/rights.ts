/** Rights as people write them: `read` is a grant, the others are one cap. */
import { nearestName } from '@blocktree/rpc'
import { CliError } from './cli-error.ts'

const capRights = ['write', 'create', 'delete', 'delegate', 'grant', 'host', 'admin', 'keep'] as const
const known = ['read', 'edit', ...capRights] as const

/** The names, `edit` spelt out; ERR_OPTION_VALUE for one that does not exist. */
export function parseRights(text: string): readonly string[] {
  const names = text.split(/[\s,+]+/).filter((name) => name !== '')
  const rights = new Set<string>()
  for (const name of names) {
    if (!known.some((right) => right === name)) {
      const nearest = nearestName(name, known)
      throw new CliError('ERR_OPTION_VALUE', `there is no right "${name}"`, {
        advice: nearest === undefined ? `known: ${known.join(', ')}` : `did you mean "${nearest}"?`
      })
    }
    for (const right of name === 'edit' ? ['read', 'write', 'create', 'delete'] : [name]) rights.add(right)
  }
  return [...rights]
}

const units: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000
}

/** `30d` from now, or a date; ERR_OPTION_VALUE for anything else. */
export function parseExpiry(text: string, nowMs: number): number {
  const match = /^(\d+)([mhdwy])$/.exec(text)
  const unit = units[match?.[2] ?? '']
  const timeMs = unit === undefined ? Date.parse(text) : nowMs + Number(match?.[1]) * unit
  if (Number.isFinite(timeMs) && timeMs > nowMs) return timeMs
  throw new CliError(
    'ERR_OPTION_VALUE',
    `--expires takes a time to come such as 12h, 30d or 2027-01-31, not "${text}"`
  )
}
