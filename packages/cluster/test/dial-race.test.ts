import { createVirtualTime } from '@blocktree/network/memory'
import { describe, expect, test } from 'vitest'
import { raceDials } from '../src/dial-race.ts'
import { dialStaggerMs, racingDialsMax } from '../src/limits.ts'

interface Answer {
  /** Until it opens; never when left out. */
  readonly afterMs?: number
  readonly failure?: string
  readonly refusesHello?: boolean
}

/** Names of addresses, tried in the order of the object. */
function race(answers: Readonly<Record<string, Answer>>, known: () => string | undefined = () => undefined) {
  const time = createVirtualTime(0)
  const started: [string, number][] = []
  const discarded: string[] = []
  const failures: string[] = []
  const cancelled: string[] = []
  let greetings = 0
  let atOnce = 0
  const result = raceDials<string, string, string>({
    timers: time,
    targets: Object.keys(answers),
    known,
    open(target, signal) {
      started.push([target, time.now()])
      const { afterMs, failure } = answers[target] ?? {}
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          cancelled.push(target)
          if (target !== 'stubborn') reject(new Error('cancelled'))
        })
        if (afterMs === undefined) return
        time.start(afterMs, () => (failure === undefined ? resolve(target) : reject(new Error(failure))))
      })
    },
    async greet(opened) {
      expect(greetings++).toBe(atOnce++)
      await new Promise<void>((resolve) => void time.start(10, resolve))
      atOnce = greetings
      if (answers[opened]?.refusesHello === true) throw new Error(`${opened} is another`)
      return opened
    },
    discard: (opened) => void discarded.push(opened),
    onFailure: (error) => void failures.push(error instanceof Error ? error.message : '')
  })
  return { time, result, started, discarded, failures, cancelled }
}

describe('raceDials', () => {
  test('takes the first address alone when it answers at once', async () => {
    const { time, result, started } = race({ first: { afterMs: 20 }, second: { afterMs: 1 } })
    expect(await time.until(result)).toBe('first')
    expect(started).toEqual([['first', 0]])
  })

  test('tries the next one beside an address that keeps silent, and leaves the silent one', async () => {
    const { time, result, started, cancelled } = race({ silent: {}, second: { afterMs: 20 } })
    expect(await time.until(result)).toBe('second')
    expect(started).toEqual([
      ['silent', 0],
      ['second', dialStaggerMs]
    ])
    expect(cancelled).toContain('silent')
  })

  test('tries the next one at once when an address refuses', async () => {
    const { time, result, started, failures } = race({
      closed: { afterMs: 5, failure: 'nobody' },
      second: { afterMs: 5 }
    })
    expect(await time.until(result)).toBe('second')
    expect(started[1]).toEqual(['second', 5])
    expect(failures).toEqual(['nobody'])
  })

  test('has a bound on what is tried at one time', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `silent-${index}`)
    const { time, started } = race(Object.fromEntries(names.map((name) => [name, {}])))
    await time.advance(60_000)
    expect(started).toHaveLength(racingDialsMax)
  })

  test('greets one after another, and goes on when the first that opened is another peer', async () => {
    const { time, result, failures } = race({
      liar: { afterMs: 260, refusesHello: true },
      honest: { afterMs: 15 }
    })
    expect(await time.until(result)).toBe('honest')
    expect(failures).toEqual(['liar is another'])
  })

  test('discards what opens too late', async () => {
    const { time, result, discarded } = race({ stubborn: { afterMs: 900 }, second: { afterMs: 1 } })
    expect(await time.until(result)).toBe('second')
    await time.advance(1000)
    expect(discarded).toEqual(['stubborn'])
  })

  test('ends with nothing when nothing answers, or there is nothing to try', async () => {
    const { time, result, failures } = race({
      a: { afterMs: 1, failure: 'no' },
      b: { afterMs: 1, failure: 'no' }
    })
    expect(await time.until(result)).toBeUndefined()
    expect(failures).toEqual(['no', 'no'])
    expect(await race({}).result).toBeUndefined()
  })

  test('ends with the peer that came by another way', async () => {
    const arrived: { peer?: string } = {}
    const { time, result, started } = race({ silent: {}, second: { afterMs: 1 } }, () => arrived.peer)
    arrived.peer = 'inbound'
    expect(await time.until(result)).toBe('inbound')
    expect(started).toHaveLength(1)
  })
})
