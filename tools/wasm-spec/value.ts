/** Arguments and expected results of assertions. */
import type { ValueType } from '@blocktree/wasm-module'
import { type Lowered, evaluateConstants } from './assembler.ts'
import { type List, type Node, isList, wordAt } from './script.ts'

/** Bits that a lane may differ in: a NaN of any sign, and of any payload when it is only arithmetic. */
interface LooseLane {
  readonly shift: bigint
  readonly bits: bigint
  readonly isCanonical: boolean
}

export interface Value {
  readonly type: ValueType
  readonly lowered: readonly Lowered[]
  readonly loose: readonly LooseLane[]
}

/** Reads lists such as `(i32.const 1)`; undefined for what this suite has no notion of. */
export class ValueReader {
  readonly #constants: { source: string; type: ValueType }[] = []
  readonly #values = new Map<Node, Value>()

  /** Remembers a constant; `finish` gives it its bits. */
  readonly #pending: { node: List; type: ValueType; loose: readonly LooseLane[] }[] = []

  add(node: Node): boolean {
    if (!isList(node)) return false
    const head = wordAt(node, 0)
    const [typeName, rest] = head.split('.')
    if (rest === 'const' && isNumberType(typeName)) {
      const { source, loose } = withoutPatterns(node, typeName)
      this.#constants.push({ source, type: typeName })
      this.#pending.push({ node, type: typeName, loose })
      return true
    }
    const reference = readReference(node, head)
    if (reference === undefined) return false
    this.#values.set(node, { ...reference, loose: [] })
    return true
  }

  finish(): void {
    const bits = evaluateConstants(this.#constants)
    for (const [index, { node, type, loose }] of this.#pending.entries()) {
      this.#values.set(node, { type, lowered: bits[index] ?? [], loose })
    }
  }

  get(node: Node): Value | undefined {
    return this.#values.get(node)
  }
}

function isNumberType(name: string | undefined): name is 'i32' | 'i64' | 'f32' | 'f64' | 'v128' {
  return name === 'i32' || name === 'i64' || name === 'f32' || name === 'f64' || name === 'v128'
}

function readReference(node: List, head: string): Omit<Value, 'loose'> | undefined {
  if (head === 'ref.null') {
    const isFunction = ['func', 'funcref'].includes(wordAt(node, 1))
    return isFunction ? { type: 'funcref', lowered: [1] } : { type: 'externref', lowered: [null] }
  }
  if (head === 'ref.func') return { type: 'funcref', lowered: [0] }
  if (head === 'ref.extern' && node.items.length === 2) {
    return { type: 'externref', lowered: [`extern ${wordAt(node, 1)}`] }
  }
  return undefined
}

/** Takes `nan:canonical` and `nan:arithmetic` out of a constant and says where they stood. */
function withoutPatterns(node: List, type: ValueType): { source: string; loose: readonly LooseLane[] } {
  const isVector = type === 'v128'
  const shape = isVector ? wordAt(node, 1) : type
  const bits = shape.startsWith('f64') ? 64n : 32n
  const first = isVector ? 2 : 1
  const loose: LooseLane[] = []
  for (const [lane, item] of node.items.slice(first).entries()) {
    const word = isList(item) ? '' : item.word
    if (word !== 'nan:canonical' && word !== 'nan:arithmetic') continue
    loose.push({ shift: BigInt(lane) * bits, bits, isCanonical: word === 'nan:canonical' })
  }
  return { source: node.source.replaceAll(/nan:(?:canonical|arithmetic)/g, 'nan'), loose }
}

/** Whether the bits of a result are those expected. */
export function matches(actual: readonly Lowered[], { lowered, loose }: Value): boolean {
  if (loose.length === 0) return actual.every((part, index) => Object.is(part, lowered[index]))
  let difference = join(actual) ^ join(lowered)
  const found = join(actual)
  for (const { shift, bits, isCanonical } of loose) {
    const lane = (1n << bits) - 1n
    const sign = 1n << (bits - 1n)
    const quiet = bits === 64n ? 0x7ff8_0000_0000_0000n : 0x7fc0_0000n
    const value = (found >> shift) & lane & ~sign
    const isRight = isCanonical ? value === quiet : (value & quiet) === quiet
    if (!isRight) return false
    difference &= ~(lane << shift)
  }
  return difference === 0n
}

/** One integer of all bits. */
function join(parts: readonly Lowered[]): bigint {
  let joined = 0n
  let shift = 0n
  for (const part of parts) {
    const width = typeof part === 'bigint' ? 64 : 32
    joined |= BigInt.asUintN(width, BigInt(part ?? 0)) << shift
    shift += BigInt(width)
  }
  return joined
}
