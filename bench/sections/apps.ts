/**
 * What it costs that a request is answered by an app in a sandbox, measured against the same handler in the node's own
 * process behind the same gateway; files of an app against plain node:http; and how soon an installed app answers.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { createProcessRunner } from '@blocktree/sandbox'
import { buildApp } from '../../tools/build-apps.ts'
import { missingJco, serveWithJco } from '../apps/jco-served.ts'
import { compileAnsweringGuest, pathAtOnce, pathWithCall } from '../apps/answering-guest.ts'
import {
  type Place,
  assetApp,
  plainApp,
  sandboxedApp,
  serve,
  serveBare,
  startSandboxed
} from '../apps/served.ts'
import { median } from '../measure.ts'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'

interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const run = promisify(execFile)
const connections = 16
const assetBytes = 10 * 1024

export const appsSection: Section = {
  name: 'apps',
  title: 'Apps over HTTP',
  async run(context): Promise<Measured> {
    const runs = context.runs ?? (context.isQuick ? 3 : 9)
    const missing = missingJco()
    const requests = await measureRequests(context, runs, missing === undefined)
    const files = await measureFiles(context, runs)
    const installs = await measureInstalls(context, runs)
    return {
      figures: [...requests, ...files, ...installs],
      tables: [],
      notes: [
        ...(missing === undefined ? [jcoNote] : [`Not measured: jco serve: ${missing}.`]),
        `${connections} connections of one client in another process, kept alive, one request each at a time; answers of 5 bytes. Gateway and plain handler run in this process, the app in its sandbox; the rows are measured in turn, medians of all rounds.`,
        'One host call: the app asks for the time before it answers, which is a round trip between two processes within that between gateway and app.',
        `Files: ${assetBytes} bytes, against a node:http server that sends the same bytes with two headers of its own.`,
        'Install and first answer: `app.install` with the package of hits over the pipe of a node whose apps are in use, until the first count has arrived.'
      ]
    }
  }
}

const jcoNote =
  'jco serve: the same answer by a component of JavaScript (componentize-js), whose instances answer one request each, so that every request gets a new one.'

async function load(place: Place, path: string, context: BenchContext): Promise<Load> {
  const words = [place.port, 'bench.localhost', path, connections, context.isQuick ? 400 : 1000]
  const program = join(import.meta.dirname, '../apps/load.ts')
  const { stdout } = await run(process.execPath, [program, ...words.map(String)])
  const measured: Load = JSON.parse(stdout)
  return measured
}

/** Rounds in turn, so that what else the machine does falls on all alike. */
async function interleave(
  context: BenchContext,
  runs: number,
  rows: readonly (readonly [Place, string])[]
): Promise<readonly Load[]> {
  const measured = rows.map((): Load[] => [])
  for (let round = 0; round < runs; round++) {
    context.progress(`round ${round + 1} of ${runs}`)
    for (const [index, [place, path]] of rows.entries()) {
      measured[index]?.push(await load(place, path, context))
    }
  }
  const middle = (loads: readonly Load[], key: keyof Load): number => median(loads.map((one) => one[key]))
  return measured.map((loads) => ({
    perSecond: middle(loads, 'perSecond'),
    p50Ms: middle(loads, 'p50Ms'),
    p99Ms: middle(loads, 'p99Ms')
  }))
}

const nothing: Load = { perSecond: Number.NaN, p50Ms: Number.NaN, p99Ms: Number.NaN }

async function measureRequests(
  context: BenchContext,
  runs: number,
  withJco: boolean
): Promise<readonly Figure[]> {
  const runner = createProcessRunner({ engine: 'v8' })
  const instance = await startSandboxed(runner, await compileAnsweringGuest())
  await using app = await serve(sandboxedApp(instance))
  await using plain = await serve(plainApp())
  await load(app, pathAtOnce, context) // both are warm before the first round
  await load(plain, pathAtOnce, context)
  const [bare = nothing, atOnce = nothing, withCall = nothing] = await interleave(context, runs, [
    [plain, pathAtOnce],
    [app, pathAtOnce],
    [app, pathWithCall]
  ])
  const peer = withJco ? await measureJco(context, app) : []
  await instance.stop()
  return [
    ...peer,
    { name: 'plain handler', value: bare.perSecond, unit: '1/s' },
    { name: 'app in the sandbox', value: atOnce.perSecond, unit: '1/s' },
    ratio('app against plain handler', atOnce.perSecond / bare.perSecond, 0.8),
    { name: 'app that makes one host call', value: withCall.perSecond, unit: '1/s' },
    ratio('app with one host call against plain handler', withCall.perSecond / bare.perSecond, 0.3),
    { name: 'app, half of the answers within', value: atOnce.p50Ms, unit: 'ms' },
    {
      name: 'app, 99 of 100 answers within',
      value: atOnce.p99Ms,
      unit: 'ms',
      target: { bound: 'below', value: 2 }
    },
    { name: 'plain handler, 99 of 100 answers within', value: bare.p99Ms, unit: 'ms' }
  ]
}

/** In turn with the app. */
async function measureJco(context: BenchContext, app: Place): Promise<readonly Figure[]> {
  context.progress('jco serve')
  await using jco = await serveWithJco(context.directory)
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < (context.isQuick ? 1 : 3); round++) {
    theirs.push((await load(jco, pathAtOnce, context)).perSecond)
    ours.push((await load(app, pathAtOnce, context)).perSecond)
  }
  return [
    { name: 'the same app under jco serve', value: median(theirs), unit: '1/s' },
    {
      name: 'app against jco serve',
      value: median(ours) / median(theirs),
      unit: '',
      target: { bound: 'more than', value: 1 }
    }
  ]
}

async function measureFiles(context: BenchContext, runs: number): Promise<readonly Figure[]> {
  const bytes = new Uint8Array(assetBytes).fill(0x61)
  await using gateway = await serve(assetApp(bytes))
  await using bare = await serveBare(bytes)
  const [ours = nothing, theirs = nothing] = await interleave(context, runs, [
    [gateway, '/style.css'],
    [bare, '/style.css']
  ])
  return [
    { name: 'files of an app', value: ours.perSecond, unit: '1/s' },
    { name: 'the same with node:http', value: theirs.perSecond, unit: '1/s' },
    ratio('files against node:http', ours.perSecond / theirs.perSecond, 0.9)
  ]
}

function ratio(name: string, value: number, least: number): Figure {
  return { name, value, unit: '', target: { bound: 'at least', value: least } }
}

async function measureInstalls(context: BenchContext, runs: number): Promise<readonly Figure[]> {
  const bytes = readFileSync(buildApp('hits'))
  await using harness = createHarness<NodeMethods>({ table: nodeMethodTable })
  const node = await harness.startNode('installs', { arguments: ['--apps-port', '0'] })
  const times: number[] = []
  for (let index = 0; index <= runs; index++) {
    context.progress(`install ${index + 1} of ${runs + 1}`)
    const name = `hits-${index}`
    const started = performance.now()
    const { url = '' } = await node.client.call('app.install', { name }, { upload: [bytes] })
    const answer = await fetchText(url)
    times.push(performance.now() - started)
    if (answer !== '1\n') throw new Error(`another answer: ${answer}`)
  }
  const [first = Number.NaN, ...later] = times
  return [
    {
      name: `install and first answer of hits, median of ${runs}`,
      value: median(later),
      unit: 'ms',
      target: { bound: 'below', value: 100 }
    },
    { name: 'the very first app of a node', value: first, unit: 'ms' }
  ]
}

/** Over the address, with the name in the header: not every resolver knows names below `localhost`. */
function fetchText(url: string): Promise<string> {
  const { host, port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: pathname, headers: { host } }, (answer) => {
      let text = ''
      answer.on('data', (part: Buffer) => (text += part.toString()))
      answer.on('end', () => resolve(text))
    }).on('error', reject)
  })
}
