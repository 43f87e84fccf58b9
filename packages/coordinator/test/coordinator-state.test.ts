import { describe, expect, it } from 'vitest'
import { CoordinatorState } from '../src/coordinator-state.ts'
import { resultsPerSessionMax, stateBytesMax, waitersMax } from '../src/limits.ts'

function opened(): { state: CoordinatorState; ann: number; bob: number } {
  const state = new CoordinatorState()
  const ann = state.apply(1, { kind: 'open', member: 'ann', nonce: 1 }).value
  const bob = state.apply(2, { kind: 'open', member: 'bob', nonce: 1 }).value
  return { state, ann, bob }
}

function acquire(session: number, request: number, name = 'a', queue = true) {
  return { kind: 'acquire', session, request, floor: 0, name, ttlMs: 1000, queue } as const
}

describe('commands that arrive twice', () => {
  it('open the same session', () => {
    const { state, ann } = opened()
    expect(state.apply(9, { kind: 'open', member: 'ann', nonce: 1 }).value).toBe(ann)
  })

  it('give a lock once, also when it was released in between', () => {
    const { state, ann } = opened()
    const first = state.apply(3, acquire(ann, 0))
    state.apply(4, { kind: 'release', session: ann, name: 'a', token: 3 })
    expect(state.apply(5, acquire(ann, 0))).toEqual(first)
    expect(state.locks.has('a')).toBe(false)
  })

  it('give a number once', () => {
    const { state, ann } = opened()
    const command = { kind: 'sequence', session: ann, request: 0, floor: 0, name: 'n', count: 2 } as const
    expect(state.apply(3, command).value).toBe(1)
    expect(state.apply(4, command).value).toBe(1)
    expect(state.apply(5, { ...command, request: 1 }).value).toBe(3)
  })

  it('are refused when they are below the floor', () => {
    const { state, ann } = opened()
    state.apply(3, { ...acquire(ann, 5, 'b'), floor: 5 })
    expect(state.apply(4, acquire(ann, 4)).outcome).toBe('ended')
    expect(state.locks.has('a')).toBe(false)
  })
})

describe('sessions', () => {
  it('of a process that began anew end the former one with all it held, without passing locks to it', () => {
    const { state, ann, bob } = opened()
    state.apply(3, acquire(ann, 0))
    state.apply(4, acquire(ann, 1))
    state.apply(5, acquire(bob, 0))
    state.apply(6, { kind: 'open', member: 'ann', nonce: 2 })
    expect(state.locks.get('a')).toMatchObject({ session: bob, token: 6, waiters: [] })
    expect(state.apply(7, acquire(ann, 2)).outcome).toBe('ended')
  })

  it('that were closed leave nothing behind', () => {
    const { state, ann, bob } = opened()
    state.apply(3, acquire(ann, 0))
    state.apply(4, { kind: 'close', session: ann })
    state.apply(5, { kind: 'close', session: bob })
    expect(state.size).toBe(0)
    expect(state.apply(6, { kind: 'close', session: ann }).outcome).toBe('ended')
  })

  it('of somebody else release, renew and cancel nothing', () => {
    const { state, ann, bob } = opened()
    state.apply(3, acquire(ann, 0))
    expect(state.apply(4, { kind: 'release', session: bob, name: 'a', token: 3 }).outcome).toBe('ended')
    expect(state.apply(5, { kind: 'renew', session: bob, name: 'a', token: 3 }).outcome).toBe('ended')
    expect(state.apply(6, { kind: 'cancel', session: bob, name: 'a', request: 0 }).outcome).toBe('ended')
    expect(state.locks.get('a')?.token).toBe(3)
  })
})

describe('leases', () => {
  it('do not expire when they were renewed after the leader looked', () => {
    const { state, ann } = opened()
    state.apply(3, acquire(ann, 0))
    state.apply(4, { kind: 'renew', session: ann, name: 'a', token: 3 })
    expect(state.apply(5, { kind: 'expire', name: 'a', token: 3, renewals: 0 }).outcome).toBe('ended')
    expect(state.apply(6, { kind: 'expire', name: 'a', token: 3, renewals: 1 }).outcome).toBe('done')
    expect(state.locks.has('a')).toBe(false)
  })

  it('that are cancelled after they were given are freed', () => {
    const { state, ann, bob } = opened()
    state.apply(3, acquire(ann, 0))
    state.apply(4, acquire(bob, 0))
    state.apply(5, { kind: 'release', session: ann, name: 'a', token: 3 })
    expect(state.locks.get('a')).toMatchObject({ session: bob, token: 5 })
    expect(state.apply(6, { kind: 'cancel', session: bob, name: 'a', request: 0 }).outcome).toBe('done')
    expect(state.locks.has('a')).toBe(false)
  })
})

describe('limits', () => {
  it('refuse what would not fit, and take it again when there is room', () => {
    const { state, ann } = opened()
    let index = 3
    let outcome = 'done'
    for (let request = 0; outcome === 'done'; request++) {
      const command = { ...acquire(ann, request, `${request}`.padStart(100, '0')), floor: request }
      outcome = state.apply(index++, command).outcome
    }
    expect(outcome).toBe('full')
    expect(state.size).toBeLessThanOrEqual(stateBytesMax)
    expect(state.size).toBeGreaterThan(stateBytesMax - 300)
    state.apply(index++, { kind: 'close', session: ann })
    expect(state.locks.size).toBe(0)
  })

  it('refuse more waiters and more unfinished requests than may be', () => {
    const { state, ann, bob } = opened()
    state.apply(3, acquire(ann, 0))
    for (let request = 0; request < waitersMax; request++) state.apply(4 + request, acquire(bob, request))
    expect(state.apply(1000, acquire(bob, waitersMax)).outcome).toBe('full')
    for (let request = 1; request < resultsPerSessionMax; request++) {
      state.apply(1000 + request, acquire(ann, request, `x${request}`, false))
    }
    expect(state.apply(5000, acquire(ann, resultsPerSessionMax, 'y')).outcome).toBe('full')
  })

  it('refuse numbers beyond 2^53 - 1', () => {
    const { state, ann } = opened()
    const sequences = new Map([['n', Number.MAX_SAFE_INTEGER - 1]])
    const near = new CoordinatorState({ sessions: state.sessions, locks: state.locks, sequences })
    const command = { kind: 'sequence', session: ann, request: 0, floor: 0, name: 'n', count: 1 } as const
    expect(near.apply(3, command).value).toBe(Number.MAX_SAFE_INTEGER)
    expect(near.apply(4, { ...command, request: 1 }).outcome).toBe('full')
  })
})
