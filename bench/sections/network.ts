/** Requests and bulk over the drivers of the network, to another process on loopback, beside the bare transports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Connection, Network } from '@blocktree/network'
import { createLibp2pNetwork } from '@blocktree/network/libp2p'
import { createTlsNetwork } from '@blocktree/network/tls'
import { median } from '../measure.ts'
import { bareProtocol, certificate, lengthHead, type NetworkKind } from '../network-process.ts'
import type { BenchContext, Figure, Section } from '../section.ts'

const inFlight = 64
const bodyBytes = 100
const megabyte = 1e6

interface Rates {
  readonly requestsPerSecond: number
  readonly roundTripMs: number
  /** A small request while a stream is pulled. */
  readonly busyRoundTripMs: number
  readonly bulkMegabytes: number
}

export const networkSection: Section = {
  name: 'network',
  title: 'Network between two processes',
  async run(context) {
    const runs = context.runs ?? (context.isQuick ? 2 : 5)
    const rounds: { tls: Rates; libp2p: Rates; bareTls: number; bareLibp2p: number }[] = []
    for (let run = 0; run < runs; run++) {
      context.progress(`run ${run + 1} of ${runs}`)
      rounds.push({
        tls: await measureOurs('tls', context),
        bareTls: await measureBareTls(context),
        libp2p: await measureOurs('libp2p', context),
        bareLibp2p: await measureBareLibp2p(context)
      })
    }
    const figures = [
      ...figuresOf(
        'TLS',
        rounds.map(({ tls }) => tls)
      ),
      ratio(
        'TLS: bulk against bare TLS',
        rounds.map(({ tls, bareTls }) => tls.bulkMegabytes / bareTls),
        0.7
      ),
      ...figuresOf(
        'libp2p',
        rounds.map(({ libp2p }) => libp2p)
      ),
      ratio(
        'libp2p: bulk against a bare stream',
        rounds.map(({ libp2p, bareLibp2p }) => libp2p.bulkMegabytes / bareLibp2p),
        0.6
      )
    ]
    return {
      figures,
      tables: [],
      notes: [
        `Bodies of ${bodyBytes} bytes are echoed by another process on loopback; ${inFlight} in flight. Bulk is one pulled stream in chunks of 256 KiB. The bare transports send the same bytes in the same run, and are read and thrown away.`
      ]
    }
  }
}

function figuresOf(name: string, rates: readonly Rates[]): Figure[] {
  const of = (field: keyof Rates): number => median(rates.map((one) => one[field]))
  return [
    {
      name: `${name}: requests, ${inFlight} in flight`,
      value: of('requestsPerSecond'),
      unit: 'requests/s',
      target: { bound: 'at least', value: 15_000 }
    },
    {
      name: `${name}: round trip, p50`,
      value: of('roundTripMs'),
      unit: 'ms',
      target: { bound: 'below', value: 0.4 }
    },
    { name: `${name}: round trip while a stream is pulled, p50`, value: of('busyRoundTripMs'), unit: 'ms' },
    { name: `${name}: bulk`, value: of('bulkMegabytes'), unit: 'MB/s' }
  ]
}

function ratio(name: string, values: readonly number[], atLeast: number): Figure {
  return { name, value: median(values), unit: 'x', target: { bound: 'at least', value: atLeast } }
}

async function measureOurs(kind: 'tls' | 'libp2p', context: BenchContext): Promise<Rates> {
  return withPeer(kind, async (address) => {
    const network = await openNetwork(kind)
    try {
      const connection = await network.dial(address)
      await askPipelined(connection, 5000)
      return {
        requestsPerSecond: await askPipelined(connection, context.isQuick ? 20_000 : 100_000),
        roundTripMs: await askOneByOne(connection, context.isQuick ? 2000 : 10_000),
        bulkMegabytes: await pullBulk(connection, bulkBytes(context)),
        busyRoundTripMs: await askWhilePulling(connection, bulkBytes(context))
      }
    } finally {
      await network.close()
    }
  })
}

async function openNetwork(kind: 'tls' | 'libp2p'): Promise<Network> {
  const seed = randomBytes(32)
  if (kind === 'tls') return createTlsNetwork({ seed })
  return (await createLibp2pNetwork({ seed })).network
}

function bulkBytes(context: BenchContext): number {
  return (context.isQuick ? 256 : 1024) * 1024 * 1024
}

async function askPipelined(connection: Connection, requests: number): Promise<number> {
  const body = new Uint8Array(bodyBytes)
  let left = requests
  const started = performance.now()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await connection.request('echo', body)
    })
  )
  return (requests / (performance.now() - started)) * 1000
}

async function askOneByOne(connection: Connection, requests: number): Promise<number> {
  const body = new Uint8Array(bodyBytes)
  const times: number[] = []
  for (let request = 0; request < requests; request++) {
    const started = performance.now()
    await connection.request('echo', body)
    times.push(performance.now() - started)
  }
  return median(times)
}

async function pullBulk(connection: Connection, bytes: number): Promise<number> {
  const started = performance.now()
  let received = 0
  for await (const chunk of connection.pull('bulk', lengthHead(bytes))) received += chunk.length
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`)
  return received / megabyte / ((performance.now() - started) / 1000)
}

async function askWhilePulling(connection: Connection, bytes: number): Promise<number> {
  const state = { isPulling: true }
  const pull = pullBulk(connection, bytes).finally(() => {
    state.isPulling = false
  })
  const times: number[] = []
  while (state.isPulling) times.push(await askOneByOne(connection, 5))
  await pull
  return median(times)
}

/** Megabytes a second of bare TLS 1.3 from another process on loopback. */
export function measureBareTls(context: BenchContext): Promise<number> {
  return withPeer('bare-tls', async (port) => {
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...certificate
    })
    const bytes = bulkBytes(context)
    try {
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      const started = performance.now()
      await new Promise<void>((resolve) => {
        let received = 0
        socket.on('data', (chunk) => {
          received += chunk.length
          if (received >= bytes) resolve()
        })
        socket.write(lengthHead(bytes))
      })
      return bytes / megabyte / ((performance.now() - started) / 1000)
    } finally {
      socket.destroy()
    }
  })
}

/** The same of one stream of libp2p, over TCP, noise and yamux. */
export function measureBareLibp2p(context: BenchContext): Promise<number> {
  return withPeer('bare-libp2p', async (address) => {
    const node = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false }
    })
    const bytes = bulkBytes(context)
    try {
      const stream = await node.dialProtocol(multiaddr(address), bareProtocol)
      const started = performance.now()
      await new Promise<void>((resolve) => {
        let received = 0
        stream.addEventListener('message', ({ data }) => {
          received += data.byteLength
          if (received >= bytes) resolve()
        })
        stream.send(lengthHead(bytes))
      })
      return bytes / megabyte / ((performance.now() - started) / 1000)
    } finally {
      await node.stop()
    }
  })
}

/** With the process at the other end, which ends with its stdin. */
async function withPeer<T>(kind: NetworkKind, run: (address: string) => Promise<T>): Promise<T> {
  const program = join(import.meta.dirname, '..', 'network-process.ts')
  const child = spawn(process.execPath, ['--conditions=source', program, kind], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  try {
    return await run(await firstLine(child))
  } finally {
    child.stdin.end()
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.trim())
    })
    child.once('exit', () => reject(new Error('the process at the other end has ended')))
  })
}
