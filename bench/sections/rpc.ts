/** Requests per second through the stdin and stdout of a real process, with nothing behind them but `node.ping`. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { blocktreeBinary } from '@blocktree/harness'
import { median } from '../measure.ts'
import type { Section } from '../section.ts'

type Child = ChildProcessByStdio<Writable, Readable, null>

const newline = 10
const linesPerChunk = 500
const aheadMax = 5000 // requests on their way: the pipe stays full, nothing piles up

export const rpcSection: Section = {
  name: 'rpc',
  title: 'RPC over stdin',
  async run(context) {
    const child = startNode(join(context.directory, 'rpc'))
    try {
      await askOneByOne(child, 1) // until it is ready
      const runs = context.runs ?? (context.isQuick ? 3 : 7)
      const pipelined: number[] = []
      const single: number[] = []
      await askPipelined(child, 20_000)
      for (let run = 0; run < runs; run++) {
        context.progress(`run ${run + 1} of ${runs}`)
        pipelined.push(await askPipelined(child, context.isQuick ? 50_000 : 200_000))
        single.push(await askOneByOne(child, context.isQuick ? 5000 : 20_000))
      }
      return {
        figures: [
          {
            name: 'pipelined',
            value: median(pipelined),
            unit: 'requests/s',
            target: { bound: 'at least', value: 80_000 }
          },
          {
            name: 'one at a time',
            value: median(single),
            unit: 'requests/s',
            target: { bound: 'at least', value: 7000 }
          }
        ],
        tables: [],
        notes: [
          `\`node.ping\` as lines of JSON to a real process and back; pipelined means up to ${aheadMax.toLocaleString('en')} requests on their way. Every answer is parsed and checked after the clock has stopped.`
        ]
      }
    } finally {
      child.stdin.end()
      await new Promise((resolve) => {
        child.once('exit', resolve)
      })
    }
  }
}

/** It ends with its stdin, so also when this process is gone. */
function startNode(directory: string): Child {
  return spawn(process.execPath, [blocktreeBinary, 'start', '--data', directory], {
    stdio: ['pipe', 'pipe', 'ignore']
  })
}

function requestLine(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"node.ping","params":{}}\n`
}

/** Writes as long as fewer than `aheadMax` answers are missing. Resolves to requests per second. */
async function askPipelined(child: Child, requests: number): Promise<number> {
  const chunks: Buffer[] = []
  const texts = Array.from({ length: requests / linesPerChunk }, (_, chunk) =>
    Buffer.from(
      Array.from({ length: linesPerChunk }, (_line, line) => requestLine(chunk * linesPerChunk + line)).join(
        ''
      )
    )
  )
  const finished = Promise.withResolvers<void>()
  let sent = 0
  let answered = 0
  const send = (): void => {
    for (; sent - answered < aheadMax && sent < requests; sent += linesPerChunk) {
      child.stdin.write(texts[sent / linesPerChunk])
    }
  }
  const receive = (chunk: Buffer): void => {
    chunks.push(chunk)
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) answered++
    if (answered >= requests) finished.resolve()
    else send()
  }
  const ended = (): void => finished.reject(new Error('the node has ended'))
  child.stdout.on('data', receive)
  child.once('exit', ended)
  const started = performance.now()
  send()
  await finished.promise
  const seconds = (performance.now() - started) / 1000
  child.stdout.off('data', receive)
  child.off('exit', ended)
  checkAnswers(Buffer.concat(chunks).toString(), requests)
  return requests / seconds
}

function checkAnswers(text: string, requests: number): void {
  const ids = new Set<unknown>()
  for (const line of text.trimEnd().split('\n')) {
    const answer: { readonly id?: unknown; readonly result?: { readonly timeMs?: unknown } } =
      JSON.parse(line)
    if (typeof answer.result?.timeMs !== 'number') throw new Error(`not an answer: ${line}`)
    ids.add(answer.id)
  }
  if (ids.size !== requests) throw new Error(`${requests} requests got ${ids.size} answers`)
}

async function askOneByOne(child: Child, requests: number): Promise<number> {
  let waiting = Promise.withResolvers<void>()
  let text = ''
  const receive = (chunk: Buffer): void => {
    text += chunk.toString()
    if (chunk.at(-1) === newline) waiting.resolve()
  }
  const ended = (): void => waiting.reject(new Error('the node has ended'))
  child.stdout.on('data', receive)
  child.once('exit', ended)
  const started = performance.now()
  for (let id = 0; id < requests; id++) {
    waiting = Promise.withResolvers<void>()
    child.stdin.write(requestLine(id))
    await waiting.promise
  }
  const seconds = (performance.now() - started) / 1000
  child.stdout.off('data', receive)
  child.off('exit', ended)
  checkAnswers(text, requests)
  return requests / seconds
}
