/** What kinds of value settings have: how each is written, read and described. */
import { NodeError } from './node-error.ts'

export type SettingKind =
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'boolean' }
  | { readonly type: 'host' } // a host name or an IP address
  | { readonly type: 'path' }
  | { readonly type: 'addresses' } // multiaddrs, with commas between them
  | { readonly type: 'urls' } // separated by spaces
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'size'; readonly min: number; readonly max: number } // bytes: 4096, "64 MiB"
  | { readonly type: 'duration'; readonly min: number; readonly max: number } // milliseconds: "5m", "30s"

const kibi = 1024
const mebi = 1024 * kibi
const minute = 60_000

export type SettingValue = string | number | boolean

/** @throws ERR_CONFIGURATION_VALUE with where the value stood and what would be accepted */
export function parseSetting(
  { kind }: { readonly kind: SettingKind },
  raw: unknown,
  where: string
): SettingValue {
  const value = readKind(kind, raw)
  if (value !== undefined) return value
  const shown =
    typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? `"${raw}"` : typeof raw
  throw new NodeError('ERR_CONFIGURATION_VALUE', `${where}: ${shown} is not ${describeKind(kind)}`)
}

function readKind(kind: SettingKind, raw: unknown): SettingValue | undefined {
  switch (kind.type) {
    case 'choice':
      return typeof raw === 'string' && kind.choices.includes(raw) ? raw : undefined
    case 'boolean':
      return readBoolean(raw)
    case 'path':
      return typeof raw === 'string' && raw !== '' && !raw.includes('\0') ? raw : undefined
    case 'addresses':
      return typeof raw === 'string' && /^\/[!-~]{3,250}(,\/[!-~]{3,250}){0,15}$/.test(raw) ? raw : undefined
    case 'urls':
      return typeof raw === 'string' && /^[a-z0-9+]+:\S*(?: +[a-z0-9+]+:\S*)*$/.test(raw) ? raw : undefined
    case 'host':
      return typeof raw === 'string' && /^[0-9A-Za-z.:-]{1,253}$/.test(raw) ? raw : undefined
    case 'integer':
      return within(typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw, kind)
    case 'size':
      return within(readSize(raw), kind)
    case 'duration':
      return within(readDuration(raw), kind)
    default:
      return kind satisfies never
  }
}

function readBoolean(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw
  if (raw === 'true' || raw === '1' || raw === 'yes') return true
  return raw === 'false' || raw === '0' || raw === 'no' ? false : undefined
}

function within(value: unknown, bounds: { readonly min: number; readonly max: number }): number | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined
  return value >= bounds.min && value <= bounds.max ? value : undefined
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: kibi,
  MiB: mebi,
  GiB: 1024 * mebi
}

function readSize(raw: unknown): number | undefined {
  if (typeof raw === 'number') return raw
  const match = typeof raw === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(raw.trim()) : null
  const unit = sizeUnits[match?.[2] ?? '?']
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit)
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: minute,
  h: 60 * minute,
  d: 1440 * minute
}

/** Only with a unit: a bare number would be a guess. */
function readDuration(raw: unknown): number | undefined {
  const match = typeof raw === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(raw.trim()) : null
  const unit = durationUnits[match?.[2] ?? '?']
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit)
}

/** What a value of this kind looks like, for messages and the reference. */
export function describeKind(kind: SettingKind): string {
  switch (kind.type) {
    case 'choice':
      return `one of ${kind.choices.join(', ')}`
    case 'boolean':
      return 'true or false'
    case 'path':
      return 'a path'
    case 'addresses':
      return 'multiaddrs such as "/dns4/box.example/tcp/4781/tls", with commas between them'
    case 'urls':
      return 'one URL, or several separated by spaces'
    case 'host':
      return 'a host name or an IP address'
    case 'integer':
      return `a whole number from ${kind.min} to ${kind.max}`
    case 'size':
      return `a size such as "64 MiB", from ${kind.min} to ${kind.max} bytes`
    case 'duration':
      return `a time such as "30s", "5m" or "1h", from ${kind.min} ms to ${kind.max} ms`
    default:
      return kind satisfies never
  }
}
