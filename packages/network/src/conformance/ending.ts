/** How connections end; part of ../conformance.ts. */
import { expect } from 'vitest'
import {
  addressOf,
  all,
  bytes,
  connect,
  echo,
  empty,
  expectCode,
  failure,
  text,
  until
} from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testEnding(check: Check): void {
  check('closing ends what is under way on both sides, with the reason', async (driver) => {
    const { local, remote, seen } = await connect(driver)
    const request = failure(local.request('wait', empty))
    const back = failure(remote.request('wait', empty))
    const stream = failure(all(local.pull('stall', empty)))
    await until(() => seen.waiting === 3)
    await local.close('enough')
    expect(await local.closed).toBe('enough')
    expect(await remote.closed).toBe('enough')
    for (const outcome of [request, back, stream]) {
      expect(await outcome).toMatchObject({ code: 'ERR_NETWORK_CLOSED' })
    }
    await until(() => seen.aborted === 3)
    await expectCode(local.request('echo', empty), 'ERR_NETWORK_CLOSED')
    await local.close()
  })

  check('closing the network closes its connections', async (driver) => {
    const { here, local, remote } = await connect(driver)
    await Promise.all([here.close(), here.close()])
    expect(await local.closed).not.toBe('')
    expect(await remote.closed).not.toBe('')
  })

  check('a peer that is silent is given up', async (driver) => {
    const limits = { keepAliveMs: 100, silenceMsMax: 1500 }
    const [here, there] = [await driver.open(limits), await driver.open(limits)]
    there.onConnection((connection) => connection.serve(echo))
    const { address, cut } = await driver.cuttable(addressOf(there))
    const local = await here.dial(address)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(text(await local.request('echo', bytes('alive')))).toBe('alive')
    cut()
    const request = failure(local.request('echo', empty))
    expect(await local.closed).toContain('nothing was heard')
    expect(await request).toMatchObject({ code: 'ERR_NETWORK_CLOSED' })
  })
}
