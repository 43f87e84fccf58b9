import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createFaultProxy,
  type Fault,
  type FaultProxy,
  knowsPortOwners,
  ownerOfPort,
  waitFor
} from '../src/index.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

interface Line {
  readonly proxy: FaultProxy
  fault: Fault
}

/** Before a server that answers with what it gets. */
async function line(fault: Fault = {}): Promise<Line> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })
  const address = server.address()
  const targetPort = typeof address === 'object' ? (address?.port ?? 0) : 0
  const state = { fault }
  const proxy = await createFaultProxy({ targetPort, faultOf: () => state.fault })
  open.push(proxy)
  return Object.assign(state, { proxy })
}

interface Dialled {
  readonly socket: Socket
  readonly text: () => string
  readonly isEnded: () => boolean
}

function dial(port: number): Dialled {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let isEnded = false
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('error', () => undefined).on('close', () => (isEnded = true))
  open.push({ close: () => socket.destroy() })
  return { socket, text: () => text, isEnded: () => isEnded }
}

async function echoed({ socket, text }: Dialled, word: string): Promise<void> {
  socket.write(word)
  await waitFor(() => text().endsWith(word), { description: `"${word}" comes back` })
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('a fault proxy', () => {
  test('passes both ways and counts', async () => {
    const { proxy } = await line()
    const one = dial(proxy.port)
    await echoed(one, 'hello')
    expect([proxy.connections, proxy.bytes]).toEqual([1, 10])
    one.socket.end()
    await waitFor(() => one.isEnded(), { description: 'the end passes too' })
  })

  test('a cut ends what is open and refuses what is new, until it is healed', async () => {
    const state = await line()
    const one = dial(state.proxy.port)
    await echoed(one, 'before')
    state.fault = { isCut: true }
    state.proxy.refresh()
    await waitFor(() => one.isEnded(), { description: 'the end of the open one' })
    const other = dial(state.proxy.port)
    await waitFor(() => other.isEnded(), { description: 'the end of the new one' })
    state.fault = {}
    await echoed(dial(state.proxy.port), 'after')
  })

  test('silence holds everything back and loses nothing', async () => {
    const state = await line()
    const one = dial(state.proxy.port)
    await echoed(one, 'before')
    state.fault = { isSilent: true }
    one.socket.write('held')
    await pause(100)
    expect([one.text(), one.isEnded()]).toEqual(['before', false])
    state.fault = {}
    state.proxy.refresh()
    await waitFor(() => one.text() === 'beforeheld', { description: 'what was held back' })
  })

  test('a half open connection takes what it gets, says nothing, and ends when it is healed', async () => {
    const state = await line()
    const one = dial(state.proxy.port)
    await echoed(one, 'before')
    state.fault = { isHalfOpen: true }
    state.proxy.refresh()
    one.socket.write('lost')
    await pause(100)
    expect([one.text(), one.isEnded()]).toEqual(['before', false])
    state.fault = {}
    state.proxy.refresh()
    await waitFor(() => one.isEnded(), { description: 'its end' })
  })

  test('a delay and a narrow line take their time', async () => {
    const delayed = await line({ delayMs: 50 })
    const started = performance.now()
    await echoed(dial(delayed.proxy.port), 'slowly')
    expect(performance.now() - started).toBeGreaterThan(95)
    const narrow = await line({ bytesPerSecond: 10_000 })
    const begun = performance.now()
    await echoed(dial(narrow.proxy.port), 'x'.repeat(1000))
    expect(performance.now() - begun).toBeGreaterThan(180)
  })

  test('a connection that drops breaks after its bytes', async () => {
    const { proxy } = await line({ dropAfterBytes: 15 })
    const one = dial(proxy.port)
    await echoed(one, 'hello')
    one.socket.write('again')
    await waitFor(() => one.isEnded(), { description: 'the break' })
  })

  test('the owner of a connection is known by its port', { skip: !knowsPortOwners }, async () => {
    const { proxy } = await line()
    const one = dial(proxy.port)
    await echoed(one, 'me')
    const port = one.socket.localPort ?? 0
    expect(ownerOfPort(port, proxy.port, [1, process.pid])).toBe(process.pid)
    expect(ownerOfPort(port, proxy.port, [])).toBeUndefined()
    expect(ownerOfPort(1, 1, [process.pid])).toBeUndefined()
  })
})
