/** One peer that opens connection after connection, by its own program: a network of ours would use the one it has. */
import { createMemoryNetwork } from '@blocktree/network/memory'
import { systemTimers } from '@blocktree/network'
import { afterEach, describe, expect, test } from 'vitest'
import { parseAddress } from '../src/address.ts'
import type { ByteLink } from '../src/byte-link.ts'
import { channelKind, encodeFrame, frameType, tokenBytes } from '../src/frame.ts'
import { protocolVersion } from '../src/limits.ts'
import { joinBare } from '../src/memory-network.ts'
import { keyOf, seededRandom } from './keys.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('connections of one key', () => {
  test('are few at a time, the oldest goes, and others have room', async () => {
    const hub = createMemoryNetwork({ timers: systemTimers, random: seededRandom(1) })
    const victim = hub.join({ name: 'victim', localKey: keyOf(1), limits: { connectionsMax: 8 } })
    const friend = hub.join({ name: 'friend', localKey: keyOf(2) })
    ends.push(
      () => victim.close(),
      () => friend.close()
    )
    let open = 0
    let most = 0
    victim.onConnection((connection) => {
      most = Math.max(most, ++open)
      void connection.closed.then(() => (open -= 1))
    })
    const address = parseAddress(victim.addresses()[0] ?? '')
    const mallory = joinBare(hub, 'mallory', keyOf(200))
    const links: ByteLink[] = []
    for (let count = 1; count <= 16; count++) {
      const { link } = await mallory.dial(address, keyOf(1), new AbortController().signal)
      link.open({ receive: () => undefined, drained: () => undefined, ended: () => undefined })
      const hello = encodeFrame({
        type: frameType.hello,
        version: protocolVersion,
        channel: channelKind.request,
        instance: new Uint8Array(tokenBytes).fill(1), // the same process, so it says
        session: new Uint8Array(tokenBytes).fill(count)
      })
      link.send([hello.header, hello.body])
      links.push(link)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(open).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(5)
    const connection = await friend.dial(victim.addresses()[0] ?? '')
    expect(connection.remoteKey).toEqual(keyOf(1))
    for (const link of links) link.destroy()
  })
})
