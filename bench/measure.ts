/** Runs a command as a child and measures it from outside: wall and CPU seconds, peak resident memory of its processes. */
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

export interface Measurement {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly residentMiB: number // largest process
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

const running = new Set<number>()

/** Counts a process that somebody else started among those to be killed. @returns a function that forgets it */
export function killWithCommands(pid: number): () => void {
  running.add(pid)
  return () => void running.delete(pid)
}

/** Kills the commands that are being measured, with all they started: for an early end. */
export function killRunningCommands(): void {
  for (const pid of [...running].flatMap(descendants)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has just ended
    }
  }
}

/** Rejects with the command's stderr when it fails. */
export async function measureCommand(
  argv: readonly string[],
  options: CommandOptions = {}
): Promise<Measurement> {
  const [program, ...rest] = argv
  if (program === undefined) throw new Error('an empty command')
  const started = performance.now()
  // bash's own `time` accounts for every process the command has waited for
  const script = 'TIMEFORMAT="%U %S"; time "$@" 1>/dev/null 2>&3'
  const child = spawn('bash', ['-c', script, 'bash', program, ...rest], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe']
  })
  const pid = child.pid ?? 0
  running.add(pid)
  let timing = ''
  let errors = ''
  child.stdio[2]?.on('data', (chunk: Buffer) => (timing += chunk.toString()))
  child.stdio[3]?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  let residentKiB = 0
  const sampler = setInterval(() => {
    for (const member of descendants(pid)) residentKiB = Math.max(residentKiB, peakResidentKiB(member))
  }, 20)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', resolve) // not 'close': a daemon that the command leaves behind may hold the pipes
  })
  clearInterval(sampler)
  running.delete(pid)
  const wallSeconds = (performance.now() - started) / 1000
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${errors.slice(-2000)}`)
  const [user = '0', system = '0'] = timing.trim().split(/\s+/)
  return { wallSeconds, cpuSeconds: Number(user) + Number(system), residentMiB: residentKiB / 1024 }
}

/** Peak resident memory of a process in KiB; 0 when it is gone. */
export function peakResidentKiB(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = parentOf(Number(entry))
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const found: number[] = []
  const queue = [pid]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    found.push(next)
    queue.push(...(children.get(next) ?? []))
  }
  return found
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
