/**
 * What of a value may stand in a log: never a secret. Two nets: names that promise a secret, and types that can be
 * one (bytes are shown as a length). Fragments of links are cut, since a link's secret lives there.
 */

const secretName =
  /pass(word|phrase)|secret|seed|credential|private|authorization|^(key|token|pin|data|bytes|text|line)$|(Key|Token)$/i
/** Names that match the pattern and are public by nature. */
const publicName = /^(publicKey|keyId|tokenCount)$/

const textCharactersMax = 2000
const depthMax = 4
const itemsMax = 20

export type LogValue =
  | string
  | number
  | boolean
  | null
  | readonly LogValue[]
  | { readonly [name: string]: LogValue }

/** A copy of `value` that can be printed; never throws. */
export function redact(value: unknown, depth = 0): LogValue {
  switch (typeof value) {
    case 'string':
      return redactText(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'undefined':
      return null
    case 'bigint':
      return value.toString()
    case 'symbol':
    case 'function':
      return `<${typeof value}>`
    default:
      return typeof value === 'object' && value !== null ? redactObject(value, depth) : null
  }
}

/** The member of an object, judged by its name first. */
export function redactMember(name: string, value: unknown, depth = 0): LogValue {
  const isSecret = secretName.test(name) && !publicName.test(name)
  return isSecret && value !== undefined && value !== null ? '<redacted>' : redact(value, depth)
}

/** Secrets of access lines, of codes to join and of link fragments cut, long text shortened. */
export function redactText(text: string): string {
  const shortened = text.length > textCharactersMax ? `${text.slice(0, textCharactersMax)}…` : text
  return shortened
    .replace(/(blocktree-(?:access|key|link):)\S+/g, '$1<redacted>')
    .replace(/\bBTJ-[0-9A-Z-]+/gi, 'BTJ-<redacted>')
    .replace(/(https?:\/\/[^\s#]+#)\S+/g, '$1<redacted>')
}

function redactObject(value: object, depth: number): LogValue {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`
  if (value instanceof Error) return redactError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '<no date>' : value.toISOString()
  if (depth >= depthMax) return '<deep>'
  if (Array.isArray(value)) {
    const items = value.slice(0, itemsMax).map((item) => redact(item, depth + 1))
    return value.length > itemsMax ? [...items, `<${value.length - itemsMax} more>`] : items
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return `<${value.constructor.name || 'object'}>`
  const copy: Record<string, LogValue> = {}
  for (const [name, member] of Object.entries(value)) copy[name] = redactMember(name, member, depth + 1)
  return copy
}

function redactError(error: Error, depth: number): LogValue {
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause =
    error.cause === undefined || depth >= depthMax ? {} : { cause: redact(error.cause, depth + 1) }
  const stack = error.stack === undefined ? {} : { stack: redactText(error.stack) }
  return { name: error.name, ...code, message: redactText(error.message), ...stack, ...cause }
}
