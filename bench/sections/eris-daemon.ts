/** The daemon of ERIS blocks as a process of its own: fetching random blocks through its sockets, one at a time and many. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { blocktreeBinary } from '@blocktree/harness'
import {
  type Block,
  type BlockRequest,
  type BlockStore,
  type BlockSize,
  nameBlock,
  putBlocks
} from '@blocktree/eris'
import { openBlockStore } from '@blocktree/eris-store'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { killWithCommands, median } from '../measure.ts'
import { readCpuSeconds } from '../process-figures.ts'
import type { BenchContext, Figure, Section } from '../section.ts'

const inFlight = 64
const storedBytes = 16 * 1024 * 1024

interface Case {
  readonly address: 'Unix socket' | 'TCP' | 'UDP' | 'HTTP'
  readonly store: 'SQLite' | 'SQLite, nothing in memory' | 'memory' | 'directory, nothing in memory'
}

const cases: readonly Case[] = [
  { address: 'Unix socket', store: 'SQLite' },
  { address: 'Unix socket', store: 'memory' },
  { address: 'Unix socket', store: 'SQLite, nothing in memory' },
  { address: 'Unix socket', store: 'directory, nothing in memory' },
  { address: 'TCP', store: 'SQLite' },
  { address: 'UDP', store: 'SQLite' },
  { address: 'HTTP', store: 'SQLite' }
]

interface Rates {
  readonly smallAlone: number
  readonly small: number
  readonly large: number
  readonly put: number
  /** Processor time of the daemon for one request, in microseconds. */
  readonly smallMicroseconds: number
  readonly largeMicroseconds: number
}

export const erisDaemonSection: Section = {
  name: 'eris-daemon',
  title: 'Daemon of ERIS blocks',
  async run(context) {
    const runs = context.runs ?? (context.isQuick ? 1 : 5)
    const rates = new Map<Case, Rates>()
    for (const one of cases) rates.set(one, await measureCase(context, one, runs))
    return {
      figures: cases
        .filter(({ address, store }) => address === 'Unix socket' && !store.endsWith('nothing in memory'))
        .flatMap((one) => figuresOf(one, rates.get(one))),
      tables: [
        {
          title: `Fetching random blocks, ${inFlight} at a time unless one alone is said`,
          head: [
            'address',
            'store',
            'GET/s 1 KiB',
            'GET/s 1 KiB, one alone',
            'MB/s 32 KiB',
            'PUT/s 1 KiB',
            'daemon, us a GET of 1 KiB',
            'of 32 KiB'
          ],
          rows: cases.map((one) => [one.address, one.store, ...cells(rates.get(one))])
        }
      ],
      notes: [
        'The daemon is `blocktree eris serve` in a process of its own, the client this process, both on this machine. The daemon keeps the blocks used last in memory, here all 32 MiB of them; they were checked when they came. What it reads from a file or database it checks by its hash before it gives it out. The client compares lengths only: what decodes checks once more. M is 10^6. Over UDP eight exchanges run at one time, and blocks of 32 KiB go in 32 messages each.'
      ]
    }
  }
}

function figuresOf({ address, store }: Case, rates: Rates | undefined): readonly Figure[] {
  if (rates === undefined) return []
  return [
    {
      name: `${address}, ${store}: GET of 1 KiB`,
      value: rates.small,
      unit: 'requests/s',
      target: { bound: 'at least', value: 60_000 }
    },
    {
      name: `${address}, ${store}: GET of 32 KiB`,
      value: rates.large,
      unit: 'MB/s',
      target: { bound: 'at least', value: 500 }
    }
  ]
}

function cells(rates: Rates | undefined): readonly string[] {
  if (rates === undefined) return []
  return [
    rates.small,
    rates.smallAlone,
    rates.large,
    rates.put,
    rates.smallMicroseconds,
    rates.largeMicroseconds
  ].map((rate) => Math.round(rate).toLocaleString('en'))
}

async function measureCase(context: BenchContext, one: Case, runs: number): Promise<Rates> {
  const folder = join(context.directory, `${one.address}-${one.store}`.replaceAll(/[ ,]+/g, '-'))
  const daemon = await startDaemon(folder, one)
  const store = await openBlockStore(daemon.url)
  try {
    const counted = { small: [] as number[], alone: [] as number[], large: [] as number[] }
    const spent = { small: [] as number[], large: [] as number[] }
    const put = await storeAll(store, 1024)
    await storeAll(store, 32_768)
    const scale = (context.isQuick ? 0.1 : 1) * (one.address === 'UDP' || one.address === 'HTTP' ? 0.1 : 1)
    const small = requests(1024)
    const large = requests(32_768)
    await fetchAll(store, small, 20_000 * scale, inFlight)
    for (let run = 0; run < runs; run++) {
      context.progress(`${one.address}, ${one.store}: run ${run + 1} of ${runs}`)
      let before = readCpuSeconds(daemon.pid)
      counted.small.push(await fetchAll(store, small, 200_000 * scale, inFlight))
      spent.small.push(((readCpuSeconds(daemon.pid) - before) * 1e6) / (200_000 * scale))
      counted.alone.push(await fetchAll(store, small, 20_000 * scale, 1))
      before = readCpuSeconds(daemon.pid)
      counted.large.push(((await fetchAll(store, large, 20_000 * scale, inFlight)) * 32_768) / 1e6)
      spent.large.push(((readCpuSeconds(daemon.pid) - before) * 1e6) / (20_000 * scale))
    }
    return {
      small: median(counted.small),
      smallAlone: median(counted.alone),
      large: median(counted.large),
      put,
      smallMicroseconds: median(spent.small),
      largeMicroseconds: median(spent.large)
    }
  } finally {
    await store.close()
    await daemon.stop()
  }
}

const kernel = chooseBlockKernel()
const made = new Map<BlockSize, readonly Block[]>()

/** Blocks of any bytes: the daemon cannot tell what they mean. */
function blocksOf(size: BlockSize): readonly Block[] {
  const known = made.get(size)
  if (known !== undefined) return known
  const blocks = Array.from({ length: storedBytes / size }, (_, index) => {
    const bytes = new Uint8Array(size).fill(index & 255)
    new DataView(bytes.buffer).setUint32(0, index)
    return nameBlock(kernel, bytes)
  })
  made.set(size, blocks)
  return blocks
}

function requests(size: BlockSize): readonly BlockRequest[] {
  return blocksOf(size).map(({ reference }) => ({ reference, size }))
}

/** Stores all blocks of a size. @returns blocks a second */
async function storeAll(store: BlockStore, size: BlockSize): Promise<number> {
  const blocks = blocksOf(size)
  const started = performance.now()
  await putBlocks(store, blocks)
  return (blocks.length * 1000) / (performance.now() - started)
}

/** @returns requests a second */
async function fetchAll(
  store: BlockStore,
  wanted: readonly BlockRequest[],
  count: number,
  width: number
): Promise<number> {
  let left = Math.round(count)
  let next = 1
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left--
      next = (next * 1_103_515_245 + 12_345) % 2_147_483_648
      const request = wanted[next % wanted.length]
      if (request === undefined) throw new Error('no blocks')
      const bytes = await store.get(request)
      if (bytes?.length !== request.size) throw new Error(`${store.name} has lost a block`)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return (Math.round(count) * 1000) / (performance.now() - started)
}

interface Daemon {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

async function startDaemon(folder: string, { address, store }: Case): Promise<Daemon> {
  const listen = {
    'Unix socket': `coap+unix://${folder}.socket`,
    TCP: 'coap+tcp://127.0.0.1:0',
    UDP: 'coap://127.0.0.1:0',
    HTTP: 'http://127.0.0.1:0'
  }[address]
  const kept = {
    SQLite: [`sqlite:${folder}.db`],
    'SQLite, nothing in memory': [`sqlite:${folder}.db`, '--recent', '0'],
    memory: ['memory:'],
    'directory, nothing in memory': [`dir+file://${folder}`, '--recent', '0']
  }[store]
  const child = spawn(
    process.execPath,
    [blocktreeBinary, 'eris', 'serve', '--json', '--listen', listen, '--store', ...kept],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const forget = killWithCommands(child.pid ?? 0)
  const url = await listeningUrl(child)
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      forget()
    }
  }
}

/** The first thing that the daemon says. */
async function listeningUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the daemon says nothing')
  const [line] = (await once(stdout, 'data')) as [Uint8Array]
  const { url } = JSON.parse(new TextDecoder().decode(line).split('\n')[0] ?? '') as { url: string }
  stdout.resume()
  return url
}
