/**
 * What it costs that an app runs in a process of its own: host calls against two bare processes, reads through the
 * boundary, start, memory, events per second, and how fast a runaway is gone.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { HostCall, HostReply, RunningApp } from '@blocktree/app-package'
import { createProcessRunner, type ProcessRunner } from '@blocktree/sandbox'
import { median } from '../measure.ts'
import { compileGuest, kinds } from '../sandbox/guest.ts'
import { compilePingPong } from '../sandbox/ping-pong.ts'
import type { Figure, Measured, Section } from '../section.ts'

const block = new Uint8Array(64 * 1024).fill(7)
const small = new Uint8Array(64)
const opRead = 2
const callsPerRound = 20_000
const readsPerRound = 4000
const idleApps = 50

export const sandboxSection: Section = {
  name: 'sandbox',
  title: 'Sandbox',
  async run(context): Promise<Measured> {
    const runner = createProcessRunner({ engine: 'v8' })
    const module = await compileGuest()
    const runs = context.runs ?? (context.isQuick ? 3 : 9)
    context.progress('host calls')
    const calls = await measureHostCalls(runner, module, context.directory, runs)
    context.progress('reads and events')
    const throughput = await measureThroughput(runner, module, runs)
    context.progress('start and memory')
    const start = await measureStart(runner, module, context.isQuick ? 10 : idleApps)
    context.progress('ending a runaway')
    const kill = await measureKill(runner, module, runs)
    return {
      figures: [...calls, ...throughput, ...start, ...kill],
      tables: [],
      notes: [
        `Engine v8 at level ${runner.level}. A host call carries 64 bytes each way; the yardstick is \`bench/sandbox/ping-pong.c\`, two processes that block on one socket pair with frames of the same size, measured in turn with the host calls.`,
        'Answers of 64 KiB: host calls that are answered with one block in memory; reads of a file in the tree are in the section app-reads.',
        'Pinned: node and sandbox, or both processes of the yardstick, on one core.',
        'Private memory is what `/proc/PID/smaps_rollup` calls private, of all processes of an app.'
      ]
    }
  }
}

async function startApp(runner: ProcessRunner, module: Uint8Array, name = 'bench'): Promise<RunningApp> {
  return await runner.start({
    name,
    module,
    limits: { hostCallsPerInvoke: 100_000, hostBytesPerInvoke: 4e9, fuel: 50_000_000_000, invokeMs: 60_000 },
    onHostCall
  })
}

async function onHostCall({ op, payload }: HostCall): Promise<HostReply> {
  return { status: 0, payload: op === opRead ? block : payload }
}

function countEvent(count: number): Uint8Array {
  const event = small.slice()
  new DataView(event.buffer).setUint32(0, count, true)
  return event
}

/** Microseconds per repetition. */
async function timeEach(repetitions: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return ((performance.now() - started) * 1000) / repetitions
}

async function measureHostCalls(
  runner: ProcessRunner,
  module: Uint8Array,
  directory: string,
  runs: number
): Promise<readonly Figure[]> {
  const pingPong = compilePingPong(directory)
  await using app = await startApp(runner, module)
  const event = countEvent(callsPerRound)
  const call = async (): Promise<number> =>
    await timeEach(callsPerRound, async () => await app.invoke(kinds.call, event))
  await call()
  const free = await interleave(runs, call, () => pingPong?.([]))
  const pinned = await withPinning(
    app,
    async () => await interleave(runs, call, () => pingPong?.(['taskset', '-c', '0']))
  )
  return [
    { name: 'host call', value: free.ours, unit: 'us' },
    { name: 'the same in C', value: free.theirs, unit: 'us' },
    { name: 'ratio', value: free.ours / free.theirs, unit: '', target: { bound: 'at most', value: 1.5 } },
    { name: 'host call, pinned', value: pinned.ours, unit: 'us', target: { bound: 'below', value: 25 } },
    { name: 'the same in C, pinned', value: pinned.theirs, unit: 'us' },
    { name: 'ratio, pinned', value: pinned.ours / pinned.theirs, unit: '' }
  ]
}

async function interleave(
  runs: number,
  ours: () => Promise<number>,
  theirs: () => number | undefined
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const mine: number[] = []
  const others: number[] = []
  for (let run = 0; run < runs; run++) {
    mine.push(await ours())
    others.push(theirs() ?? Number.NaN)
  }
  return { ours: median(mine), theirs: median(others) }
}

/** Both ends on the first core while `work` runs. */
async function withPinning<T>(app: RunningApp, work: () => Promise<T>): Promise<T> {
  const pids = [process.pid, ...descendantsOf(app)]
  const pin = (cores: string): void => {
    for (const pid of pids) spawnSync('taskset', ['-acp', cores, String(pid)], { stdio: 'ignore' })
  }
  const all = /current affinity list: (\S+)/.exec(
    spawnSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' }).stdout
  )
  pin('0')
  try {
    return await work()
  } finally {
    pin(all?.[1] ?? '0-1023')
  }
}

async function measureThroughput(
  runner: ProcessRunner,
  module: Uint8Array,
  runs: number
): Promise<readonly Figure[]> {
  await using app = await startApp(runner, module)
  const reads: number[] = []
  const events: number[] = []
  const event = new Uint8Array(400)
  for (let run = 0; run < runs; run++) {
    const perRead = await timeEach(
      readsPerRound,
      async () => await app.invoke(kinds.read, countEvent(readsPerRound))
    )
    reads.push(block.length / perRead)
    const perEvent = await timeEach(2000, async () => {
      for (let index = 0; index < 2000; index++) await app.invoke(kinds.echo, event)
    })
    events.push(1e6 / perEvent)
  }
  return [
    { name: 'answers of 64 KiB, without the tree', value: median(reads), unit: 'MB/s' },
    { name: 'events of 400 bytes, one at a time', value: median(events), unit: '1/s' }
  ]
}

async function measureStart(
  runner: ProcessRunner,
  module: Uint8Array,
  count: number
): Promise<readonly Figure[]> {
  const apps: RunningApp[] = []
  const starts: number[] = []
  const bare: number[] = []
  try {
    for (let index = 0; index < count; index++) {
      const started = performance.now()
      apps.push(await startApp(runner, module, `idle-${index}`))
      starts.push(performance.now() - started)
      const begun = performance.now()
      spawnSync(process.execPath, ['-e', ''], { env: {} })
      bare.push(performance.now() - begun)
    }
    const memory = apps.map((app) => descendantsOf(app).reduce((sum, pid) => sum + readPrivateMiB(pid), 0))
    return [
      { name: 'start of an app', value: median(starts), unit: 'ms' },
      { name: 'start of an empty Node.js', value: median(bare), unit: 'ms' },
      {
        name: `private memory of an idle app, worst of ${count}`,
        value: Math.max(...memory),
        unit: 'MiB',
        target: { bound: 'below', value: 10 }
      }
    ]
  } finally {
    for (const app of apps) await app.stop()
  }
}

async function measureKill(
  runner: ProcessRunner,
  module: Uint8Array,
  runs: number
): Promise<readonly Figure[]> {
  const late: Record<'spin' | 'fill', number[]> = { spin: [], fill: [] }
  for (let run = 0; run < runs; run++) {
    for (const kind of ['spin', 'fill'] as const) {
      await using app = await startApp(runner, module)
      const pids = descendantsOf(app)
      const deadlineMs = 200
      const started = performance.now()
      await app.invoke(kinds[kind], small, { deadlineMs }).catch(() => undefined)
      while (pids.some((pid) => isRunning(pid))) {
        await new Promise((resolve) => {
          setTimeout(resolve, 1)
        })
      }
      late[kind].push(performance.now() - started - deadlineMs)
    }
  }
  return (['spin', 'fill'] as const).map((kind) => ({
    name: `runaway gone after its deadline, ${kind === 'spin' ? 'loop' : 'memory.fill'}`,
    value: median(late[kind]),
    unit: 'ms',
    target: { bound: 'below', value: 40 }
  }))
}

/** The process that was spawned and what it spawned itself: bwrap has two of its own. */
function descendantsOf(app: RunningApp): readonly number[] {
  const found: number[] = []
  const add = (pid: number): void => {
    found.push(pid)
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    for (const child of children.split(' ')) if (child !== '') add(Number(child))
  }
  for (const { pid } of app.describe().processes) if (pid !== undefined) add(pid)
  return found
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

function readPrivateMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kibibytes = [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0
  )
  return kibibytes / 1024
}
