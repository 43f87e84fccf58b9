/** Requests and answers; part of ../conformance.ts. */
import { expect } from 'vitest'
import { bodyBytesMax, errorMessageBytesMax } from '../limits.ts'
import { NetworkError, RemoteError } from '../network-error.ts'
import type { Connection } from '../port.ts'
import {
  addressOf,
  bytes,
  connect,
  empty,
  equal,
  expectCode,
  failure,
  text,
  until,
  echo
} from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testRequests(check: Check): void {
  check('requests go both ways with bodies up to the limit', async (driver) => {
    const { local, remote } = await connect(driver)
    for (const length of [0, 1, 4095, 4096, 65_536, bodyBytesMax]) {
      const body = new Uint8Array(length).fill(length % 251)
      expect(equal(await local.request('echo', body), body)).toBe(true)
      expect(equal(await remote.request('echo', body), body)).toBe(true)
    }
    expect(local.statistics.requestsOut).toBe(6)
    expect(local.statistics.requestsIn).toBe(6)
    expect(local.statistics.bytesIn).toBeGreaterThan(2 * bodyBytesMax)
    expect(local.statistics.roundTripMs).toBeGreaterThan(0)
  })

  check('many requests are under way at once and each gets its own answer', async (driver) => {
    const { local } = await connect(driver)
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => local.request('later', bytes(`${index}`)))
    )
    expect(answers.map(text)).toEqual(Array.from({ length: 1000 }, (_, index) => `${index}`))
  })

  check('names and bodies beyond the limits are refused here', async (driver) => {
    const { local, remote } = await connect(driver)
    await expectCode(local.request('echo', new Uint8Array(bodyBytesMax + 1)), 'ERR_NETWORK_TOO_LONG')
    await expectCode(local.request('x'.repeat(65), empty), 'ERR_NETWORK_TOO_LONG')
    await expectCode(local.request('two words', empty), 'ERR_NETWORK_NAME_INVALID')
    await expectCode(local.request('', empty), 'ERR_NETWORK_NAME_INVALID')
    expect(() => local.notify('x'.repeat(65), empty)).toThrow(NetworkError)
    expect(await failure(remote.request('long', empty))).toMatchObject({ code: 'ERR_NETWORK_TOO_LONG' })
    expect(text(await local.request('echo', bytes('on')))).toBe('on')
  })

  check('an error of the peer comes with its code, other exceptions without a word', async (driver) => {
    const { local } = await connect(driver)
    const meant = await failure(local.request('fail', bytes('ERR_TEST_MEANT')))
    expect(meant).toBeInstanceOf(RemoteError)
    expect(meant).toMatchObject({ code: 'ERR_TEST_MEANT', message: 'as asked' })
    for (const code of ['ENOENT', '', 'ERR_with space', 'err_small']) {
      const other = await failure(local.request('fail', bytes(code)))
      expect(other).toMatchObject({ code: 'ERR_INTERNAL' })
      expect(other.message).not.toContain('asked')
    }
    const long = await failure(local.request('fail-long', empty))
    expect(bytes(long.message).length).toBeLessThanOrEqual(errorMessageBytesMax)
    expect(long.message.startsWith('ä')).toBe(true)
    expect(await failure(local.request('throw', empty))).toMatchObject({ code: 'ERR_INTERNAL' })
  })

  check('a deadline ends the request on both sides', async (driver) => {
    const { local, seen } = await connect(driver)
    await expectCode(local.request('wait', empty, { timeoutMs: 60 }), 'ERR_NETWORK_TIMEOUT')
    await until(() => seen.aborted === 1)
    expect(seen.remainingMs).toBeGreaterThan(0)
    expect(seen.remainingMs).toBeLessThanOrEqual(60)
    expect(text(await local.request('echo', bytes('on')))).toBe('on')
  })

  check('cancelling ends the request on both sides', async (driver) => {
    const { local, seen } = await connect(driver)
    const controller = new AbortController()
    const request = local.request('wait', empty, { signal: controller.signal })
    await until(() => seen.waiting === 1)
    controller.abort()
    await expectCode(request, 'ERR_NETWORK_CANCELLED')
    await until(() => seen.aborted === 1)
    await expectCode(local.request('echo', empty, { signal: controller.signal }), 'ERR_NETWORK_CANCELLED')
    expect(text(await local.request('echo', bytes('on')))).toBe('on')
  })

  check('of 10,000 requests at once those beyond the limit are refused here', async (driver) => {
    const { local, seen } = await connect(driver)
    const outcomes = Array.from({ length: 10_000 }, () => failure(local.request('wait', empty)))
    await until(() => seen.waiting === 1024)
    void local.close()
    const codes = (await Promise.all(outcomes)).map((error) => ('code' in error ? error.code : ''))
    expect(codes.filter((code) => code === 'ERR_NETWORK_BUSY')).toHaveLength(10_000 - 1024)
    expect(codes.filter((code) => code === 'ERR_NETWORK_CLOSED')).toHaveLength(1024)
  })

  check('a peer refuses requests beyond its own limit', async (driver) => {
    const { local, seen } = await connect(driver, { requestsMax: 3 }, {})
    const waiting = [1, 2, 3].map(() => failure(local.request('wait', empty)))
    await until(() => seen.waiting === 3)
    expect(await failure(local.request('echo', empty))).toMatchObject({ code: 'ERR_NETWORK_BUSY' })
    await local.close()
    await Promise.all(waiting)
  })

  check('requests wait until somebody serves, in order with events', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    const shown = Promise.withResolvers<Connection>()
    there.onConnection(shown.resolve)
    const local = await here.dial(addressOf(there))
    local.notify('first', empty)
    const request = local.request('second', bytes('x'))
    local.notify('third', empty)
    const order: string[] = []
    const remote = await shown.promise
    await new Promise((resolve) => setTimeout(resolve, 30))
    remote.serve({
      ...echo,
      request: (method, body) => {
        order.push(method)
        return Promise.resolve(body)
      },
      event: (event) => order.push(event)
    })
    expect(text(await request)).toBe('x')
    await until(() => order.length === 3)
    expect(order).toEqual(['first', 'second', 'third'])
  })
}
