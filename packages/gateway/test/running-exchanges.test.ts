import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Exchange } from '../src/exchange.ts'
import { RunningExchanges } from '../src/running-exchanges.ts'

function exchange(id: string): Exchange {
  const message = new IncomingMessage(new Socket())
  return new Exchange({ id, startedMs: 0, message, response: new ServerResponse(message), scheme: 'http' })
}

describe('RunningExchanges', () => {
  test('counts and lists what was added and not taken away, in whatever order that happens', () => {
    const running = new RunningExchanges()
    const [a, b, c, d, e] = [exchange('a'), exchange('b'), exchange('c'), exchange('d'), exchange('e')]
    for (const one of [a, b, c, d, e]) running.add(one)
    const ids = (): string[] =>
      running
        .list()
        .map(({ id }) => id)
        .toSorted()
    running.delete(b)
    running.delete(e)
    expect(ids()).toEqual(['a', 'c', 'd'])
    running.add(exchange('f'))
    running.delete(a)
    running.delete(d)
    expect(ids()).toEqual(['c', 'f'])
    running.delete(c)
    expect(running.size).toBe(1)
  })

  test('gives a list that does not change while they are taken away', () => {
    const running = new RunningExchanges()
    for (const id of ['a', 'b', 'c']) running.add(exchange(id))
    const seen: string[] = []
    for (const one of running.list()) {
      seen.push(one.id)
      running.delete(one)
    }
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(running.size).toBe(0)
  })
})
