/** What the node does around the processes of an app: pool, rest, death with the node, other apps meanwhile. */
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { AppRunError, type AppRunEvent, type AppRunOptions, type RunningApp } from '@blocktree/app-package'
import { hostile, hostileGuest, polite, politeGuest } from '../src/guest-modules.ts'
import { createProcessRunner } from '../src/process-runner.ts'
import { SandboxError } from '../src/sandbox-error.ts'
import { bundledProgram, compileText, temporaryDirectory } from './subject.ts'

const directory = temporaryDirectory()
const program = bundledProgram()
const empty = new Uint8Array(0)

async function start(text: string, options: Partial<AppRunOptions> = {}): Promise<RunningApp> {
  return await createProcessRunner({ program, level: 'process' }).start({
    name: 'supervised',
    module: await compileText(text),
    onHostCall: async ({ payload }) => ({ status: 0, payload }),
    ...options
  })
}

async function until(condition: () => boolean, limitMs = 5000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come to that')
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('processes of an app', () => {
  test('more are started while events wait, up to the limit', async () => {
    await using app = await start(politeGuest, {
      limits: { processes: 3 },
      onHostCall: async ({ payload }) => {
        await new Promise((resolve) => {
          setTimeout(resolve, 300)
        })
        return { status: 0, payload }
      }
    })
    expect(app.describe().processes).toHaveLength(1)
    await Promise.all(Array.from({ length: 8 }, async () => await app.invoke(polite.relay, Uint8Array.of(1))))
    expect(app.describe().processes).toHaveLength(3)
  })

  test('one that has nothing to do is stopped, and started again for the next event', async () => {
    const events: AppRunEvent[] = []
    await using app = await start(politeGuest, {
      limits: { idleMs: 50 },
      onRunEvent: (event) => void events.push(event)
    })
    await until(() => app.state === 'idle')
    expect(events.at(-1)).toEqual({ type: 'process-ended', process: 1, cause: undefined })
    expect(await app.invoke(polite.echo, Uint8Array.of(7))).toEqual(Uint8Array.of(7))
    expect(app.lastFailure).toBeUndefined()
  })

  test('host calls and their end name the same process', async () => {
    const callers: number[] = []
    const ended: number[] = []
    await using app = await start(politeGuest, {
      limits: { hostCallMs: 100 },
      onHostCall: async ({ process: caller }) => {
        callers.push(caller)
        return await new Promise(() => undefined)
      },
      onRunEvent: (event) => void (event.type === 'process-ended' && ended.push(event.process))
    })
    await expect(app.invoke(polite.relay, Uint8Array.of(1))).rejects.toMatchObject({ code: 'ERR_RUN_HOST' })
    expect(ended).toEqual(callers)
  })

  test('stopping takes every process away', async () => {
    const app = await start(hostileGuest, { limits: { fuel: 50_000_000_000 } })
    const [pid = 0] = app.describe().processes.map((entry) => entry.pid ?? 0)
    const running = app.invoke(hostile.spin, empty).catch((error: unknown) => error)
    await app.stop()
    expect(isRunning(pid)).toBe(false)
    expect(await running).toMatchObject({ code: 'ERR_RUN_STOPPED' })
  })

  test('other apps keep their latency while one is hostile', async () => {
    await using quiet = await start(politeGuest)
    await using loud = await start(hostileGuest, { limits: { invokeMs: 400, fuel: 50_000_000_000 } })
    await quiet.invoke(polite.echo, Uint8Array.of(1))
    const attack = loud.invoke(hostile.fill, empty).catch((error: unknown) => error)
    const times: number[] = []
    for (let round = 0; round < 100; round++) {
      const started = performance.now()
      await quiet.invoke(polite.echo, Uint8Array.of(1))
      times.push(performance.now() - started)
    }
    expect(await attack).toMatchObject({ name: 'AppRunError' })
    expect(times.toSorted((left, right) => left - right)[50]).toBeLessThan(20)
  })

  test('all end when the node is killed, also those in an endless loop', async () => {
    const source = fileURLToPath(new URL('../src/', import.meta.url))
    const script = join(directory, 'node.ts')
    const modulePath = join(directory, 'guest.wasm')
    writeFileSync(modulePath, await compileText(hostileGuest))
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs'
import { createProcessRunner } from ${JSON.stringify(join(source, 'process-runner.ts'))}
const runner = createProcessRunner({ program: ${JSON.stringify(program)} })
const app = await runner.start({ name: 'orphan', module: readFileSync(${JSON.stringify(modulePath)}),
  limits: { fuel: 50_000_000_000, invokeMs: 60_000 }, onHostCall: async ({ payload }) => ({ status: 0, payload }) })
app.invoke(${hostile.spin}, new Uint8Array(0)).catch(() => undefined)
setTimeout(() => console.log(app.describe().processes[0].pid), 100)
setTimeout(() => undefined, 60_000)`
    )
    const node = spawn(process.execPath, ['--conditions=source', '--no-warnings', script], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const pid = await new Promise<number>((resolve) => {
      node.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    })
    expect(isRunning(pid)).toBe(true)
    node.kill('SIGKILL')
    await until(() => !isRunning(pid))
  })
})

describe('events that are sent ahead', () => {
  const relay = async (app: RunningApp, byte: number): Promise<Uint8Array> =>
    await app.invoke(polite.relay, Uint8Array.of(byte))

  test('are served in their order by the one process, also while it waits for a host call', async () => {
    const open: number[] = []
    await using app = await start(politeGuest, {
      onHostCall: async ({ payload }) => {
        open.push(payload[0] ?? 0)
        await new Promise((resolve) => {
          setTimeout(resolve, 20)
        })
        return { status: 0, payload }
      }
    })
    const answers = await Promise.all([1, 2, 3, 4, 5].map(async (byte) => await relay(app, byte)))
    expect(answers.map(([byte]) => byte)).toEqual([1, 2, 3, 4, 5])
    expect(open).toEqual([1, 2, 3, 4, 5])
  })

  test('count as waiting, and are refused beyond the queue of the app', async () => {
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    await using app = await start(politeGuest, {
      limits: { queuedInvokes: 3 },
      onHostCall: async ({ payload }) => {
        await gate
        return { status: 0, payload }
      }
    })
    const taken = [1, 2, 3, 4].map(async (byte) => await relay(app, byte))
    expect(app.describe().queued).toBe(3)
    await expect(relay(app, 5)).rejects.toMatchObject({ code: 'ERR_RUN_QUEUE_FULL' })
    release()
    expect(await Promise.all(taken)).toHaveLength(4)
  })

  test('have their own deadline, which begins with their turn', async () => {
    await using app = await start(politeGuest, {
      limits: { invokeMs: 400 },
      onHostCall: async ({ payload }) => {
        await new Promise((resolve) => {
          setTimeout(resolve, 150)
        })
        return { status: 0, payload }
      }
    })
    const all = await Promise.all([1, 2, 3, 4, 5].map(async (byte) => await relay(app, byte)))
    expect(all).toHaveLength(5)
  })

  test('go to another process when theirs ends before their turn: nothing is begun twice', async () => {
    const asked: number[] = []
    const ended: (AppRunEvent & { type: 'process-ended' })[] = []
    await using app = await start(hostileGuest, {
      limits: { invokeMs: 150, fuel: 50_000_000_000 },
      onHostCall: async ({ payload }) => {
        asked.push(payload.length)
        return { status: 0, payload }
      },
      onRunEvent: (event) => void (event.type === 'process-ended' && ended.push(event))
    })
    const kinds = [hostile.healthy, hostile.spin, hostile.healthy, hostile.unreachable, hostile.healthy]
    const ends = await Promise.all(
      kinds.map((kind) =>
        app.invoke(kind, empty).then(
          () => 'answered',
          (error: unknown) => (error instanceof AppRunError ? error.code : String(error))
        )
      )
    )
    expect(ends).toEqual(['answered', 'ERR_RUN_DEADLINE', 'answered', 'ERR_RUN_TRAP', 'answered'])
    expect(ended.map(({ cause }) => cause?.code)).toEqual(['ERR_RUN_DEADLINE', 'ERR_RUN_TRAP'])
  })

  test('end with the app when it is stopped', async () => {
    const app = await start(hostileGuest, { limits: { fuel: 50_000_000_000 } })
    const ends = [hostile.spin, hostile.healthy, hostile.healthy].map((kind) =>
      app.invoke(kind, empty).catch((error: unknown) => error)
    )
    await app.stop()
    for (const end of await Promise.all(ends)) expect(end).toMatchObject({ code: 'ERR_RUN_STOPPED' })
  })

  test('are not those that may be cancelled: giving up takes them out of the queue, unseen by the guest', async () => {
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const asked: number[] = []
    await using app = await start(politeGuest, {
      onHostCall: async ({ payload }) => {
        asked.push(payload[0] ?? 0)
        await gate
        return { status: 0, payload }
      }
    })
    const first = relay(app, 1)
    const givingUp = new AbortController()
    const second = app.invoke(polite.relay, Uint8Array.of(2), { signal: givingUp.signal })
    const third = relay(app, 3)
    givingUp.abort()
    await expect(second).rejects.toMatchObject({ code: 'ERR_RUN_CANCELLED' })
    release()
    expect((await first)[0]).toBe(1)
    expect((await third)[0]).toBe(3)
    expect(asked).toEqual([1, 3])
    expect(app.describe().processes).toHaveLength(1)
  })
})

describe('createProcessRunner', () => {
  test('refuses to run below the level that is required', () => {
    const weak = {
      available: ['process'] as const,
      reasons: { bwrap: 'bwrap is not installed' },
      tools: {
        node: process.execPath,
        shell: undefined,
        setpriv: undefined,
        bwrap: undefined
      }
    }
    expect(() => createProcessRunner({ program, levels: weak, requiredLevel: 'bwrap' })).toThrow(SandboxError)
    expect(createProcessRunner({ program, levels: weak, requiredLevel: 'process' }).level).toBe('process')
  })

  test('refuses wasmtime without its library', () => {
    expect(() => createProcessRunner({ program, engine: 'wasmtime' })).toThrow('wasmtime is not installed')
  })

  test('the program of sandbox processes is small and loads nothing but node:fs', () => {
    execFileSync(process.execPath, ['--check', program])
    const text = readFileSync(program, 'utf8')
    expect(text.length).toBeLessThan(64 * 1024)
    expect([...text.matchAll(/require\(["'`]([^"'`]+)/g)].map((match) => match[1])).toEqual(['node:fs'])
  })
})
