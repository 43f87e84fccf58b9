import { describe, expect, test } from 'vitest'
import { createLifeCycle } from '../src/life-cycle.ts'
import { createLog } from '../src/log.ts'

const log = createLog({ level: 'error', format: 'json', now: () => 0, write: () => undefined })

describe('createLifeCycle', () => {
  test('closes what was opened in the reverse order, once', async () => {
    const order: string[] = []
    const lifeCycle = createLifeCycle({ log })
    for (const name of ['lock', 'store', 'socket']) lifeCycle.onStop(name, () => void order.push(name))
    lifeCycle.running()
    const both = await Promise.all([lifeCycle.stop('a test'), lifeCycle.stop('again')])
    expect(both).toEqual([true, true])
    expect(order).toEqual(['socket', 'store', 'lock'])
    expect(lifeCycle.state).toBe('stopped')
  })

  test('goes on closing when one part fails, and says that it was not clean', async () => {
    const order: string[] = []
    const lifeCycle = createLifeCycle({ log })
    lifeCycle.onStop('lock', () => void order.push('lock'))
    lifeCycle.onStop('store', async () => {
      throw new Error('stuck')
    })
    expect(await lifeCycle.stop('a test')).toBe(false)
    expect(order).toEqual(['lock'])
  })

  test('leaves a part behind that does not close in time', async () => {
    const lifeCycle = createLifeCycle({
      log,
      startTimer: (_milliseconds, callback) => {
        queueMicrotask(callback)
        return () => undefined
      }
    })
    const order: string[] = []
    lifeCycle.onStop('lock', () => void order.push('lock'))
    lifeCycle.onStop('store', () => new Promise<void>(() => undefined))
    expect(await lifeCycle.stop('a test')).toBe(false)
    expect(order).toEqual(['lock'])
  })
})
