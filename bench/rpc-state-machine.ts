/**
 * Requests per second through the state machines alone: client and server in one process, no transport.
 * node --conditions=source bench/rpc-state-machine.ts
 */
import {
  bindHandlers,
  createMethodTable,
  createRpcClient,
  createRpcServer,
  defineMethod,
  schema,
  type Connection,
  type Framing,
  type Receiver
} from '@blocktree/rpc'

const rounds = 5
const requests = 200_000
const depth = 64
const chunkBytes = 128 * 1024
const chunks = 1000

const text = schema.object({ text: schema.string() })
const table = createMethodTable([
  defineMethod({ name: 'bench.echo', summary: 'Answers at once', params: text, result: text }),
  defineMethod({ name: 'bench.later', summary: 'Answers after a turn', params: text, result: text }),
  defineMethod({ name: 'bench.download', summary: 'Sends chunks', stream: 'download' })
])
const content = new Uint8Array(chunkBytes)
const handlers = bindHandlers(table, {
  'bench.echo': (params) => params,
  'bench.later': async (params) => await Promise.resolve(params),
  'bench.download': async (_params, context) => {
    for (let sent = 0; sent < chunks; sent++) await context.download.write(content)
    return {}
  }
})

/** Hands every chunk to the other side at once. */
function direct(target: () => Receiver): Connection {
  return {
    send(chunk) {
      target().receive(chunk)
      return true
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined
  }
}

async function measureBoth(
  framing: Framing,
  inFlight: number,
  method: 'bench.echo' | 'bench.later' = 'bench.echo'
): Promise<number> {
  const server = createRpcServer({ handlers })
  const fromServer = direct(() => client)
  const served = server.connect(fromServer, undefined)
  const client = createRpcClient({ connection: direct(() => served), framing, table })
  const started = performance.now()
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0) await client.call(method, { text: 'hello' })
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (requests / (performance.now() - started)) * 1000
}

/** The server alone: chunks of 64 KiB that were made before, answers thrown away. */
function measureServer(): number {
  const line = '{"jsonrpc":"2.0","id":12345,"method":"bench.echo","params":{"text":"hello"}}\n'
  const perChunk = Math.floor(65536 / line.length)
  const chunk = new TextEncoder().encode(line.repeat(perChunk))
  const server = createRpcServer({ handlers })
  const served = server.connect(
    { send: () => true, pause: () => undefined, resume: () => undefined, close: () => undefined },
    undefined
  )
  const chunks = Math.ceil(requests / perChunk)
  const started = performance.now()
  for (let index = 0; index < chunks; index++) served.receive(chunk)
  return ((chunks * perChunk) / (performance.now() - started)) * 1000
}

/** Bytes per second of one download. */
async function measureDownload(framing: Framing): Promise<number> {
  const server = createRpcServer({ handlers })
  const fromServer = direct(() => client)
  const served = server.connect(fromServer, undefined)
  const client = createRpcClient({ connection: direct(() => served), framing, table })
  const started = performance.now()
  const { download, result } = client.callStream('bench.download', {})
  for await (const chunk of download) if (chunk.length === 0) break
  await result
  return ((chunks * chunkBytes) / (performance.now() - started)) * 1000
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}

const measures: readonly [string, () => number | Promise<number>, string, number][] = [
  ['server alone, JSON lines', measureServer, 'requests/s', 1],
  [
    `client and server, JSON lines, ${depth} in flight`,
    async () => await measureBoth('json', depth),
    'requests/s',
    1
  ],
  [
    `the same, asynchronous handler, ${depth} in flight`,
    async () => await measureBoth('json', depth, 'bench.later'),
    'requests/s',
    1
  ],
  ['client and server, JSON lines, one at a time', async () => await measureBoth('json', 1), 'requests/s', 1],
  [
    `client and server, frames, ${depth} in flight`,
    async () => await measureBoth('frames', depth),
    'requests/s',
    1
  ],
  ['download, frames', async () => await measureDownload('frames'), 'MB/s', 1e6],
  ['download, JSON lines', async () => await measureDownload('json'), 'MB/s', 1e6]
]
const results = measures.map((): number[] => [])
for (let round = 0; round < rounds; round++) {
  for (const [index, [, measure]] of measures.entries()) results[index]?.push(await measure())
}
for (const [index, [name, , unit, scale]] of measures.entries()) {
  console.log(
    `${name.padEnd(52)} ${Math.round(median(results[index] ?? []) / scale).toLocaleString('en')} ${unit}`
  )
}
