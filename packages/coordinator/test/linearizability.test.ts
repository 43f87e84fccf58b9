import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type LockInput,
  type Operation,
  type RegisterInput,
  checkLinearizability,
  lockModel,
  registerModel,
  sequenceModel
} from '../src/linearizability.ts'
import { seededRandom } from './seeded-random.ts'

const write = (value: string, from: number, to?: number): Operation<RegisterInput, string> => ({
  process: 'w',
  input: { kind: 'write', value },
  calledAt: from,
  returned: to === undefined ? undefined : { at: to, output: 'ok' }
})
const read = (value: string, from: number, to: number): Operation<RegisterInput, string> => ({
  process: 'r',
  input: { kind: 'read' },
  calledAt: from,
  returned: { at: to, output: value }
})

describe('histories that are linearizable', () => {
  const good: Record<string, Operation<RegisterInput, string>[]> = {
    'nothing happened': [],
    'reads what was written before': [write('a', 0, 1), read('a', 2, 3)],
    'a read beside a write sees the old value': [write('a', 0, 10), read('', 1, 2)],
    'a read beside a write sees the new value': [write('a', 0, 10), read('a', 1, 2)],
    'a write without answer took effect later': [write('a', 0), read('', 1, 2), read('a', 3, 4)],
    'a write without answer never took effect': [write('a', 0), read('', 1, 2), read('', 30, 40)],
    'two writes at once, seen in either order': [write('a', 0, 5), write('b', 0, 5), read('b', 6, 7)]
  }
  for (const [name, history] of Object.entries(good)) {
    it(name, () => expect(checkLinearizability(registerModel, history).linearizable).toBe(true))
  }
})

describe('histories that are not', () => {
  const bad: Record<string, Operation<RegisterInput, string>[]> = {
    'a value nobody wrote': [read('a', 0, 1)],
    'an old value after a new one was written': [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)],
    'a value that comes and goes': [write('a', 0, 10), read('a', 1, 2), read('', 3, 4)],
    'two readers that see two writes in different orders': [
      write('a', 0, 20),
      write('b', 0, 20),
      read('a', 1, 2),
      read('b', 3, 4),
      read('a', 5, 6)
    ],
    'a write that was lost': [write('a', 0, 1), read('', 2, 3)]
  }
  for (const [name, history] of Object.entries(bad)) {
    it(name, () => expect(checkLinearizability(registerModel, history).linearizable).toBe(false))
  }

  it('shows how far it came', () => {
    const verdict = checkLinearizability(registerModel, [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)])
    expect(verdict).toMatchObject({ longest: [{ input: { value: 'a' } }, { input: { value: 'b' } }] })
  })

  it('says so when it was given too few steps', () => {
    const history = Array.from({ length: 12 }, (_, index) => write(String(index), 0, 100))
    const verdict = checkLinearizability(registerModel, [...history, read('x', 200, 201)], 50)
    expect(verdict.linearizable).toBeUndefined()
  })
})

describe('locks and sequences', () => {
  const lock = (
    input: LockInput,
    from: number,
    to: number,
    output: number
  ): Operation<LockInput, number> => ({
    process: input.holder,
    input,
    calledAt: from,
    returned: { at: to, output }
  })
  const acquire = (holder: string): LockInput => ({ kind: 'acquire', holder })

  it('accepts a lock that passes on with a higher token', () => {
    const history = [
      lock(acquire('a'), 0, 1, 5),
      lock({ kind: 'release', holder: 'a', token: 5 }, 2, 3, 0),
      lock(acquire('b'), 2, 4, 7)
    ]
    expect(checkLinearizability(lockModel, history).linearizable).toBe(true)
  })

  it('refuses a lock that two hold', () => {
    const history = [lock(acquire('a'), 0, 1, 5), lock(acquire('b'), 2, 4, 7)]
    expect(checkLinearizability(lockModel, history).linearizable).toBe(false)
  })

  it('refuses a token that does not rise', () => {
    const history = [
      lock(acquire('a'), 0, 1, 5),
      lock({ kind: 'release', holder: 'a', token: 5 }, 2, 3, 0),
      lock(acquire('b'), 4, 5, 5)
    ]
    expect(checkLinearizability(lockModel, history).linearizable).toBe(false)
  })

  it('refuses numbers that are given twice', () => {
    const number = (from: number, to: number, output: number): Operation<'next', number> => ({
      process: 'p',
      input: 'next',
      calledAt: from,
      returned: { at: to, output }
    })
    expect(checkLinearizability(sequenceModel, [number(0, 3, 1), number(0, 3, 2)]).linearizable).toBe(true)
    expect(checkLinearizability(sequenceModel, [number(0, 3, 1), number(0, 3, 1)]).linearizable).toBe(false)
    expect(checkLinearizability(sequenceModel, [number(0, 1, 2), number(2, 3, 1)]).linearizable).toBe(false)
  })
})

describe('histories of a real register', () => {
  /** Operations take effect at one moment between call and answer, so the history is linearizable. */
  function recorded(seed: number): Operation<RegisterInput, string>[] {
    const random = seededRandom(seed)
    const points = Array.from({ length: 24 }, () => random() * 100).toSorted((a, b) => a - b)
    let value = ''
    return points.map((at, index) => {
      const [calledAt, returnedAt] = [at - random() * 20, at + random() * 20]
      if (random() < 0.5) {
        value = String(index)
        return { ...write(value, calledAt, returnedAt), process: String(index) }
      }
      return { ...read(value, calledAt, returnedAt), process: String(index) }
    })
  }

  it('are accepted', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        (seed) => checkLinearizability(registerModel, recorded(seed)).linearizable === true
      ),
      { numRuns: 100 }
    )
  })

  it('are refused when a read is changed to a value that was never written', () => {
    const history = recorded(7).map((operation) =>
      operation.input.kind === 'read' && operation.returned !== undefined
        ? { ...operation, returned: { ...operation.returned, output: 'never' } }
        : operation
    )
    expect(checkLinearizability(registerModel, history).linearizable).toBe(false)
  })
})
