/**
 * Records in the distributed table: each under a name, judged by a rule of the layer above that any server of the table
 * applies before it keeps one and any asking node before it believes one. Values without a rule are refused.
 */
export interface RecordRule {
  /** The number of a record that holds now: of several the highest is the newest. Throws for any other bytes. */
  check(name: Uint8Array, record: Uint8Array): number
}

const namespace = 'blocktree-endpoint'
const prefix = `/${namespace}/`
const namesMax = 2048 // of records that a server keeps: at 8 KiB each they fill 16 MiB

export function recordKey(name: Uint8Array): Uint8Array {
  return new TextEncoder().encode(prefix + name.toHex())
}

interface RecordParts {
  readonly validators: Readonly<Record<string, (key: Uint8Array, value: Uint8Array) => Promise<void>>>
  readonly selectors: Readonly<Record<string, (key: Uint8Array, values: Uint8Array[]) => number>>
}

/** As the distributed table wants them. */
export function recordParts(rule: RecordRule): RecordParts {
  const names = new Set<string>()
  return {
    validators: {
      async [namespace](key, value) {
        const name = readName(key)
        rule.check(name, value)
        await Promise.resolve() // what is thrown before is a rejection too
        const text = name.toHex()
        if (!names.has(text) && names.size >= namesMax) throw new RangeError('the table is full')
        names.add(text)
      }
    },
    selectors: {
      [namespace](key, values) {
        const name = readName(key)
        const numbers = values.map((value) => numberOf(rule, name, value))
        return numbers.indexOf(Math.max(...numbers))
      }
    }
  }
}

function numberOf(rule: RecordRule, name: Uint8Array, value: Uint8Array): number {
  try {
    return rule.check(name, value)
  } catch {
    return -1
  }
}

function readName(key: Uint8Array): Uint8Array {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(key)
  const hex = text.slice(prefix.length)
  if (!text.startsWith(prefix) || !/^[0-9a-f]{64}$/.test(hex)) throw new RangeError('no name of a record')
  return Uint8Array.fromHex(hex)
}
