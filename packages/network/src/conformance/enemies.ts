/** Peers that do what none should; part of ../conformance.ts. */
import { expect } from 'vitest'
import { type Frame, frameType, channelKind, tokenBytes } from '../frame.ts'
import { bodyBytesMax, protocolVersion } from '../limits.ts'
import type { Connection } from '../port.ts'
import { addressOf, bytes, echo, empty, encode, text } from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testEnemies(check: Check): void {
  const hello: Frame = {
    type: frameType.hello,
    version: protocolVersion,
    channel: channelKind.request,
    instance: new Uint8Array(tokenBytes).fill(1),
    session: new Uint8Array(tokenBytes).fill(2)
  }
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['garbage', [new Uint8Array(200).fill(0xa5)]],
    ['a claim of four gigabytes', [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)]],
    ['a frame of no type', [encode(hello), Uint8Array.of(0, 0, 0, 5, 99, 0, 0, 0, 1)]],
    ['no hello', [encode({ type: frameType.ping, id: 1 })]],
    ['a second hello', [encode(hello), encode(hello)]],
    ['another version', [encode({ ...hello, version: 9 })]],
    ['a channel of no kind', [encode({ ...hello, channel: 7 })]],
    ['a channel for bulk of no connection', [encode({ ...hello, channel: channelKind.bulk })]],
    ['an answer to nothing', [encode(hello), encode({ type: frameType.answer, id: 1, body: empty })]],
    ['a chunk among requests', [encode(hello), encode({ type: frameType.chunk, id: 1, body: bytes('x') })]]
  ]
  for (const [title, chunks] of cases) {
    check(`a peer that sends ${title} is cut off, and others are served`, async (driver) => {
      const there = await driver.open()
      there.onConnection((connection) => connection.serve(echo))
      const link = await driver.dialRaw(addressOf(there))
      const ended = Promise.withResolvers<string>()
      link.open({ receive: () => {}, drained: () => {}, ended: ended.resolve })
      link.send(chunks)
      await ended.promise
      const here = await driver.open()
      const connection = await here.dial(addressOf(there))
      expect(text(await connection.request('echo', bytes('fine')))).toBe('fine')
    })
  }

  check('a peer that says nothing is cut off in time', async (driver) => {
    const there = await driver.open({ handshakeTimeoutMs: 1500 })
    const link = await driver.dialRaw(addressOf(there))
    const ended = Promise.withResolvers<string>()
    link.open({ receive: () => {}, drained: () => {}, ended: ended.resolve })
    link.send([Uint8Array.of(0)])
    await ended.promise
  })

  check('a peer that asks and never reads is given up without filling the memory', async (driver) => {
    const there = await driver.open()
    let sent = 0
    let shown: Connection | undefined
    there.onConnection((connection) => {
      shown = connection
      connection.serve({
        ...echo,
        request: () => {
          sent++
          return Promise.resolve(new Uint8Array(bodyBytesMax))
        }
      })
    })
    const link = await driver.dialRaw(addressOf(there), true)
    link.send([encode(hello)])
    for (let id = 1; id <= 5000; id++) {
      link.send([encode({ type: frameType.request, id, timeoutMs: 1000, method: 'x', body: empty })])
    }
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(sent).toBeLessThanOrEqual(1024)
    // what the system's buffers take is little beside it
    expect(shown?.statistics.bytesOut).toBeLessThan(80 * bodyBytesMax)
    link.destroy()
  })
}
