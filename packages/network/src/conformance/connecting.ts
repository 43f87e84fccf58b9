/** Finding each other, keys, duplicates, refusals; part of ../conformance.ts. */
import { expect } from 'vitest'
import { formatPeerId } from '../peer-id.ts'
import type { Connection } from '../port.ts'
import {
  addressOf,
  bytes,
  closedCount,
  connect,
  echo,
  expectCode,
  text,
  until,
  closedOnes
} from './connected-pair.ts'
import type { Check } from './driver.ts'

export function testConnecting(check: Check): void {
  check('a dialler and its peer see the keys of each other', async (driver) => {
    const { here, there, local, remote } = await connect(driver)
    expect(local.remoteKey).toEqual(there.localKey)
    expect(remote.remoteKey).toEqual(here.localKey)
    expect([local.direction, remote.direction]).toEqual(['outbound', 'inbound'])
    expect([local.relayed, remote.relayed]).toEqual([false, false])
  })

  check('an address ends in the peer id of its node', async (driver) => {
    const network = await driver.open()
    expect(network.addresses().length).toBeGreaterThan(0)
    for (const address of network.addresses()) {
      expect(address.endsWith(`/p2p/${formatPeerId(network.localKey)}`)).toBe(true)
    }
  })

  check('a peer with another key than the expected one is refused', async (driver) => {
    const [here, there, other] = [await driver.open(), await driver.open(), await driver.open()]
    let shown = 0
    there.onConnection(() => shown++)
    const address = addressOf(there)
    await expectCode(here.dial(address, { expectedKey: other.localKey }), 'ERR_NETWORK_PEER_MISMATCH')
    const wrong = address.replace(formatPeerId(there.localKey), formatPeerId(other.localKey))
    await expectCode(here.dial(wrong), 'ERR_NETWORK_PEER_MISMATCH')
    const bare = address.slice(0, address.lastIndexOf('/p2p/'))
    await expectCode(here.dial(bare, { expectedKey: other.localKey }), 'ERR_NETWORK_PEER_MISMATCH')
    expect(shown).toBe(0)
    const connection = await here.dial(bare, { expectedKey: there.localKey })
    expect(connection.remoteKey).toEqual(there.localKey)
  })

  check('what is no address, names no peer or names this node is refused', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    await expectCode(here.dial('nowhere'), 'ERR_NETWORK_ADDRESS_INVALID')
    await expectCode(here.dial(`/memory/${'x'.repeat(600)}`), 'ERR_NETWORK_ADDRESS_INVALID')
    const peer = `/p2p/${formatPeerId(there.localKey)}`
    await expectCode(here.dial(`/unix/tmp${peer}`), 'ERR_NETWORK_ADDRESS_INVALID')
    const address = addressOf(there)
    await expectCode(here.dial(address.slice(0, address.lastIndexOf('/p2p/'))), 'ERR_NETWORK_ADDRESS_INVALID')
    await expectCode(here.dial(addressOf(here)), 'ERR_NETWORK_UNREACHABLE')
    expect([here.canDial(address), here.canDial('nowhere')]).toEqual([true, false])
  })

  check('dialling a network that has closed fails', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    const address = addressOf(there)
    await there.close()
    await expectCode(here.dial(address), 'ERR_NETWORK_UNREACHABLE')
    await here.close()
    await expectCode(here.dial(address), 'ERR_NETWORK_CLOSED')
  })

  check('dialling ends with its signal and its time', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    await expectCode(here.dial(addressOf(there), { signal: AbortSignal.abort() }), 'ERR_NETWORK_CANCELLED')
    const { address, cut } = await driver.cuttable(addressOf(there))
    cut()
    await expectCode(here.dial(address, { timeoutMs: 50 }), 'ERR_NETWORK_TIMEOUT')
    const controller = new AbortController()
    const dial = here.dial(address, { signal: controller.signal })
    setTimeout(() => controller.abort(), 20)
    await expectCode(dial, 'ERR_NETWORK_CANCELLED')
  })

  check('a peer that the gate does not let in learns so, and is not shown', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    let shown = 0
    const asked: Uint8Array[] = []
    there.onConnection(() => shown++)
    there.setGate((peer) => {
      asked.push(peer)
      return false
    })
    await expectCode(here.dial(addressOf(there)), 'ERR_NETWORK_UNREACHABLE')
    expect(asked).toEqual([here.localKey])
    expect(shown).toBe(0)
    there.setGate(undefined)
    await here.dial(addressOf(there))
    expect(shown).toBe(1)
  })

  check('connections beyond the limit are refused', async (driver) => {
    const there = await driver.open({ connectionsMax: 1 })
    const [first, second] = [await driver.open(), await driver.open()]
    await first.dial(addressOf(there))
    await expectCode(second.dial(addressOf(there)), 'ERR_NETWORK_UNREACHABLE')
  })

  check('a second dial gives the open connection', async (driver) => {
    const { here, there, local } = await connect(driver)
    expect(await here.dial(addressOf(there))).toBe(local)
    const fresh = await driver.open()
    const both = await Promise.all([fresh.dial(addressOf(there)), fresh.dial(addressOf(there))])
    expect(both[0]).toBe(both[1])
  })

  check('two peers that dial each other at once keep one connection', async (driver) => {
    const [here, there] = [await driver.open(), await driver.open()]
    const open: Connection[] = []
    for (const network of [here, there]) {
      network.onConnection((connection) => {
        connection.serve(echo)
        open.push(connection)
      })
    }
    const dialled = await Promise.all([here.dial(addressOf(there)), there.dial(addressOf(here))])
    for (const connection of dialled) connection.serve(echo)
    const unique = [...new Set([...open, ...dialled])]
    await until(() => closedCount(unique) === unique.length - 2)
    const left = unique.filter((connection) => !closedOnes.has(connection))
    for (const connection of left) {
      expect(text(await connection.request('echo', bytes('still here')))).toBe('still here')
    }
  })
}
