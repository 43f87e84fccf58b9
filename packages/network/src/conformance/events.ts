/** Events; part of ../conformance.ts. */
import { expect } from 'vitest'
import { bodyBytesMax } from '../limits.ts'
import { bytes, connect, empty, until } from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testEvents(check: Check): void {
  check('events come in the order they were sent', async (driver) => {
    const { local, seen } = await connect(driver)
    for (let index = 0; index < 2000; index++) {
      const body = bytes(`${index} ${'.'.repeat(index % 7 === 0 ? 5000 : 3)}`)
      while (!local.notify('count', body)) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await until(() => seen.events.length === 2000)
    expect(seen.events.map((event) => Number.parseInt(event, 10))).toEqual(
      Array.from({ length: 2000 }, (_, index) => index)
    )
  })

  check('an event for a full queue or an ended connection is refused', async (driver) => {
    const { local } = await connect(driver)
    const body = new Uint8Array(bodyBytesMax)
    const sent = Array.from({ length: 8 }, () => local.notify('count', body))
    expect(sent[0]).toBe(true)
    expect(sent.at(-1)).toBe(false)
    await local.close()
    expect(local.notify('count', empty)).toBe(false)
  })

  check('a connection whose events cannot be taken is closed', async (driver) => {
    const { local } = await connect(driver)
    local.notify('throw', empty)
    expect(await local.closed).not.toBe('')
  })
}
