import { describe, expect, test } from 'vitest'
import { pingMethod as method } from '../src/server-methods.ts'
import { type Call, WaitingCalls } from '../src/waiting-calls.ts'

function call(id: Call['id'], bytes = 1): Call {
  const served = { method, urgent: false, handler: () => undefined }
  return { served, id, params: undefined, window: undefined, batch: undefined, bytes }
}

describe('WaitingCalls', () => {
  test('gives them in their order, and knows their ids as long as they wait', () => {
    const waiting = new WaitingCalls({ requestsWaitingMax: 10, waitingBytesMax: 100 })
    for (const id of [1, 'two', undefined, 4]) waiting.add(call(id))
    expect([waiting.has(1), waiting.has('two'), waiting.has(3)]).toEqual([true, true, false])
    expect([waiting.take()?.id, waiting.take()?.id]).toEqual([1, 'two'])
    expect([waiting.has(1), waiting.size]).toEqual([false, 2])
    expect([waiting.take()?.id, waiting.take()?.id, waiting.take()]).toEqual([undefined, 4, undefined])
  })

  test('one is taken out of the middle, and only when it waits', () => {
    const waiting = new WaitingCalls({ requestsWaitingMax: 10, waitingBytesMax: 100 })
    for (const id of [1, 2, 3]) waiting.add(call(id))
    waiting.take()
    expect([waiting.remove(1), waiting.remove(7)]).toEqual([undefined, undefined])
    expect(waiting.remove(2)?.id).toBe(2)
    expect([waiting.size, waiting.take()?.id]).toEqual([1, 3])
  })

  test('is full by number and by bytes, and not any more when one was taken', () => {
    const waiting = new WaitingCalls({ requestsWaitingMax: 2, waitingBytesMax: 100 })
    waiting.add(call(1, 100))
    expect(waiting.isFull).toBe(true)
    waiting.take()
    waiting.add(call(2))
    expect(waiting.isFull).toBe(false)
    waiting.add(call(3))
    expect(waiting.isFull).toBe(true)
    waiting.clear()
    expect([waiting.isFull, waiting.size, waiting.has(2)]).toEqual([false, 0, false])
  })
})
