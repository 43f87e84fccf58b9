/** What every driver must do, as tests: run over memory, TLS and libp2p. */
import { describe, expect, test } from 'vitest'
import type { ByteLink } from './byte-link.ts'
import { encodeFrame, type Frame, frameType, channelKind, tokenBytes } from './frame.ts'
import { bodyBytesMax, errorMessageBytesMax, type NetworkLimits, protocolVersion } from './limits.ts'
import { NetworkError, RemoteError } from './network-error.ts'
import { formatPeerId } from './peer-id.ts'
import type { Connection, ConnectionHandlers, Network, RequestContext } from './port.ts'

/** What the suite needs of a driver. */
export interface ConformanceDriver {
  /** A network with a key of its own, different each time, that can be dialled. */
  open(limits?: Partial<NetworkLimits>): Promise<Network>
  /** A link to the network as a peer with a fresh key gets it, before any byte of the session. */
  dialRaw(address: string): Promise<ByteLink>
  /** An address of the same network through something that can stop passing bytes without a word. */
  cuttable(address: string): Promise<{ readonly address: string; readonly cut: () => void }>
  /** Ends everything that was opened, also the networks. */
  close(): Promise<void>
}

const empty = new Uint8Array()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words)

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

type Check = (title: string, run: (driver: ConformanceDriver) => Promise<void>) => void

function testConnecting(check: Check): void {
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

function testRequests(check: Check): void {
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

function testEvents(check: Check): void {
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

function testStreams(check: Check): void {
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
    expect((await stream.next()).value?.length).toBe(bodyBytesMax)
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

function testEnding(check: Check): void {
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

function testEnemies(check: Check): void {
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
    const link = await driver.dialRaw(addressOf(there))
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

interface Seen {
  waiting: number
  aborted: number
  remainingMs: number
  chunks: number
  finished: number
  readonly events: string[]
}

interface Pair {
  readonly here: Network
  readonly there: Network
  /** of `here` */
  readonly local: Connection
  /** of `there` */
  readonly remote: Connection
  /** by the handlers of both */
  readonly seen: Seen
}

async function connect(
  driver: ConformanceDriver,
  thereLimits?: Partial<NetworkLimits>,
  hereLimits?: Partial<NetworkLimits>
): Promise<Pair> {
  const [here, there] = [await driver.open(hereLimits), await driver.open(thereLimits)]
  const seen: Seen = { waiting: 0, aborted: 0, remainingMs: 0, chunks: 0, finished: 0, events: [] }
  const shown = Promise.withResolvers<Connection>()
  there.onConnection(shown.resolve)
  const local = await here.dial(addressOf(there))
  const remote = await shown.promise
  for (const connection of [local, remote]) connection.serve(handlers(seen))
  return { here, there, local, remote, seen }
}

const echo: ConnectionHandlers = {
  request: (_method, body) => Promise.resolve(body),
  event: () => {},
  stream: () => count(3)
}

function handlers(seen: Seen): ConnectionHandlers {
  return {
    request: (method, body, context) => answer(seen, method, body, context),
    event(name, body) {
      if (name === 'throw') throw new Error('cannot be taken')
      seen.events.push(text(body))
    },
    stream(method, head, context) {
      if (method === 'count') return count(Number(text(head)))
      if (method === 'bulk') return bulk(seen, Number(text(head)))
      if (method === 'stall') return stall(seen, context)
      return broken()
    }
  }
}

async function answer(
  seen: Seen,
  method: string,
  body: Uint8Array,
  context: RequestContext
): Promise<Uint8Array> {
  switch (method) {
    case 'later':
      await new Promise((resolve) => setTimeout(resolve, Number(text(body)) % 7))
      return body
    case 'wait':
      seen.remainingMs = context.remainingMs
      await aborted(seen, context)
      return body
    case 'long':
      return new Uint8Array(bodyBytesMax + 1)
    case 'fail':
      throw Object.assign(new Error('as asked'), { code: text(body) })
    case 'fail-long':
      throw Object.assign(new Error('ä'.repeat(5000)), { code: 'ERR_TEST_LONG' })
    case 'throw':
      throw new TypeError('not meant')
    default:
      return body
  }
}

function aborted(seen: Seen, { signal }: RequestContext): Promise<void> {
  seen.waiting++
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      seen.aborted++
      resolve()
    })
  })
}

async function* count(chunks: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let index = 0; index < chunks; index++) yield Promise.resolve(bytes(`${index}`))
}

async function* bulk(seen: Seen, chunks: number): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let index = 0; index < chunks; index++) {
      seen.chunks++
      yield Promise.resolve(new Uint8Array(bodyBytesMax))
    }
  } finally {
    seen.finished++
  }
}

async function* stall(seen: Seen, context: RequestContext): AsyncGenerator<Uint8Array, void, undefined> {
  await aborted(seen, context)
  yield* count(0)
}

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Promise.resolve(bytes('a'))
  yield bytes('b')
  throw Object.assign(new Error('as asked'), { code: 'ERR_TEST_MEANT' })
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let last: Uint8Array = empty
  for await (const chunk of stream) last = chunk
  return last
}

const closedOnes = new WeakSet<Connection>()

function closedCount(connections: readonly Connection[]): number {
  for (const connection of connections) void connection.closed.then(() => closedOnes.add(connection))
  return connections.filter((connection) => closedOnes.has(connection)).length
}

function encode(frame: Frame): Uint8Array {
  const { header, body } = encodeFrame(frame)
  const encoded = new Uint8Array(header.length + body.length)
  encoded.set(header)
  encoded.set(body, header.length)
  return encoded
}

function addressOf(network: Network): string {
  const [address] = network.addresses()
  if (address === undefined) throw new Error('the network has no address')
  return address
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it did not fail')
}

async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await failure(promise)
  expect(error).toBeInstanceOf(NetworkError)
  expect(error).toMatchObject({ code })
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (isTrue()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it did not become so')
}
