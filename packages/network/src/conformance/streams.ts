/** Streams of bulk; part of ../conformance.ts. */
import { expect } from 'vitest'
import { bodyBytesMax } from '../limits.ts'
import { RemoteError } from '../network-error.ts'
import { all, bytes, connect, empty, expectCode, failure, text, until } from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testStreams(check: Check): void {
  check('a pulled stream comes whole, chunk by chunk', async (driver) => {
    const { local, remote } = await connect(driver)
    for (const connection of [local, remote]) {
      const chunks: Uint8Array[] = []
      for await (const chunk of connection.pull('count', bytes('20'))) chunks.push(chunk)
      expect(chunks.map(text)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
    }
    let total = 0
    for await (const chunk of local.pull('bulk', bytes('32'))) {
      expect(chunk.length).toBe(bodyBytesMax)
      total += chunk.length
    }
    expect(total).toBe(32 * bodyBytesMax)
    expect(local.statistics.bytesIn).toBeGreaterThan(32 * bodyBytesMax)
  })

  check('a stream may write over a chunk once the next one is asked for', async (driver) => {
    const { local, remote } = await connect(driver)
    for (const connection of [local, remote]) {
      let index = 0
      for await (const chunk of connection.pull('reuse', bytes('200'))) {
        expect(chunk).toHaveLength(1 + ((index * 7919) % 100_000))
        expect(chunk.every((byte) => byte === (index + 1) % 256)).toBe(true)
        index++
      }
      expect(index).toBe(200)
    }
  })

  check('a pulled stream comes as bytes, in order, when boundaries do not matter', async (driver) => {
    const { local, remote } = await connect(driver)
    for (const connection of [local, remote]) {
      let all = ''
      for await (const view of connection.pull('count', bytes('3000'), { asBytes: true })) all += text(view)
      expect(all).toBe(Array.from({ length: 3000 }, (_, index) => `${index}`).join(''))
      let total = 0
      for await (const view of connection.pull('bulk', bytes('32'), { asBytes: true })) total += view.length
      expect(total).toBe(32 * bodyBytesMax)
    }
  })

  check('a slow reader of bytes holds its peer back too', async (driver) => {
    const { local, seen } = await connect(driver)
    const stream = local.pull('bulk', bytes('1000'), { asBytes: true })[Symbol.asyncIterator]()
    expect((await stream.next()).done).toBe(false)
    let total = 0
    for await (const view of local.pull('bulk', bytes('9'), { asBytes: true })) total += view.length
    expect(total).toBe(9 * bodyBytesMax)
    expect(seen.chunks).toBeLessThanOrEqual(17)
    await stream.return?.()
    await until(() => seen.finished === 2)
  })

  check('streams run side by side with each other and with requests', async (driver) => {
    const { local } = await connect(driver)
    const pulls = Array.from({ length: 8 }, async () => {
      let total = 0
      for await (const chunk of local.pull('bulk', bytes('6'))) total += chunk.length
      return total
    })
    expect(text(await local.request('echo', bytes('meanwhile')))).toBe('meanwhile')
    expect(await Promise.all(pulls)).toEqual(Array.from({ length: 8 }, () => 6 * bodyBytesMax))
  })

  check('a slow reader holds its peer back', async (driver) => {
    const { local, seen } = await connect(driver)
    const stream = local.pull('bulk', bytes('1000'))[Symbol.asyncIterator]()
    const first = await stream.next()
    expect(first.done === true ? 0 : first.value.length).toBe(bodyBytesMax)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(seen.chunks).toBeLessThanOrEqual(8)
    // one that stands still does not hold up another
    let total = 0
    for await (const chunk of local.pull('bulk', bytes('9'))) total += chunk.length
    expect(total).toBe(9 * bodyBytesMax)
    await stream.return?.()
    await until(() => seen.finished === 2)
  })

  check('ending a stream early ends the generator of the peer', async (driver) => {
    const { local, seen } = await connect(driver)
    for await (const chunk of local.pull('bulk', bytes('1000'))) {
      if (chunk.length > 0) break
    }
    await until(() => seen.finished === 1)
    expect(seen.chunks).toBeLessThan(20)
    const controller = new AbortController()
    const stalled = failure(all(local.pull('stall', empty, { signal: controller.signal })))
    await until(() => seen.waiting === 1)
    controller.abort()
    expect(await stalled).toMatchObject({ code: 'ERR_NETWORK_CANCELLED' })
    await until(() => seen.aborted === 1)
  })

  check('an error of the generator ends the stream after its chunks', async (driver) => {
    const { local } = await connect(driver)
    const chunks: string[] = []
    const error = await failure(
      (async () => {
        for await (const chunk of local.pull('break', empty)) chunks.push(text(chunk))
        return empty
      })()
    )
    expect(chunks).toEqual(['a', 'b'])
    expect(error).toMatchObject({ code: 'ERR_TEST_MEANT', message: 'as asked' })
    expect(error).toBeInstanceOf(RemoteError)
  })

  check('a stream without chunks for its time fails', async (driver) => {
    const { local } = await connect(driver)
    await expectCode(all(local.pull('stall', empty, { timeoutMs: 50 })), 'ERR_NETWORK_TIMEOUT')
  })

  check('streams beyond the limit are refused', async (driver) => {
    const { local } = await connect(driver, {}, { pullsMax: 2 })
    const controller = new AbortController()
    const { signal } = controller
    const open = [1, 2].map(() => failure(all(local.pull('stall', empty, { signal }))))
    await expectCode(all(local.pull('count', bytes('1'))), 'ERR_NETWORK_BUSY')
    controller.abort()
    await Promise.all(open)
  })
}
