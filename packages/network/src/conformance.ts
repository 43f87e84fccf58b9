/** What every driver must do, as tests: run over memory, TLS and libp2p. */
import { describe, test } from 'vitest'
import type { ConformanceDriver } from './conformance/driver.ts'
import { testConnecting } from './conformance/connecting.ts'
import { testRequests } from './conformance/requests.ts'
import { testEvents } from './conformance/events.ts'
import { testStreams } from './conformance/streams.ts'
import { testEnding } from './conformance/ending.ts'
import { testEnemies } from './conformance/enemies.ts'

export type { ConformanceDriver } from './conformance/driver.ts'

export function testNetwork(name: string, create: () => Promise<ConformanceDriver>): void {
  describe(`network over ${name}`, () => {
    /** A test with a driver of its own, closed at its end. */
    const check = (title: string, run: (driver: ConformanceDriver) => Promise<void>): void => {
      test(title, async () => {
        const driver = await create()
        try {
          await run(driver)
        } finally {
          await driver.close()
        }
      })
    }
    testConnecting(check)
    testRequests(check)
    testEvents(check)
    testStreams(check)
    testEnding(check)
    testEnemies(check)
  })
}
