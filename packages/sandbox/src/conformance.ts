/**
 * What every engine and every runner must do: `testAppRunner` for well-behaved guests, `testHostileGuests` for
 * attacks. Runs under vitest; both engines at every level that the machine offers are subjects,
 * and the memory runner of the first suite.
 */
import {
  AppRunError,
  type AppRunEvent,
  type AppRunner,
  type AppRunOptions,
  type RunningApp
} from '@blocktree/app-package'
import { afterEach, describe, expect, test } from 'vitest'
import {
  busyInitializeGuest,
  busyStartGuest,
  functionsModule,
  hostile,
  hostileGuest,
  otherVersionGuest,
  polite,
  politeGuest,
  unknownImportGuest,
  wideGuest,
  wrongSignatureGuest
} from './guest-modules.ts'

export interface RunnerUnderTest {
  readonly runner: AppRunner
  /** WebAssembly text to a module as an author would hand it in. */
  compile(text: string): Promise<Uint8Array>
}

interface Watched {
  readonly app: RunningApp
  readonly log: string[]
  readonly events: AppRunEvent[]
}

const text = new TextEncoder()

function startWith(subject: RunnerUnderTest, opened: RunningApp[]) {
  return async (guest: string, options: Partial<AppRunOptions> = {}): Promise<Watched> => {
    const log: string[] = []
    const events: AppRunEvent[] = []
    const app = await subject.runner.start({
      name: 'guest',
      module: await subject.compile(guest),
      onHostCall: async ({ op, payload }) => ({ status: op === 9 ? 77 : 0, payload }),
      onLog: (entry) => void log.push(entry.text),
      onRunEvent: (event) => void events.push(event),
      ...options
    })
    opened.push(app)
    return { app, log, events }
  }
}

function number(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0, true)
}

async function failure(work: Promise<unknown>): Promise<AppRunError> {
  try {
    await work
  } catch (error) {
    if (error instanceof AppRunError) return error
    throw error
  }
  throw new Error('it did not fail')
}

export function testAppRunner(name: string, subject: RunnerUnderTest): void {
  describe(`AppRunner: ${name}`, () => {
    const opened: RunningApp[] = []
    const start = startWith(subject, opened)
    afterEach(async () => {
      for (const app of opened.splice(0)) await app.stop()
    })

    test('hands an event to the guest and its answer back', async () => {
      const { app } = await start(politeGuest)
      expect(await app.invoke(polite.echo, text.encode('hello'))).toEqual(text.encode('hello'))
    })

    test('passes an empty event and an empty answer', async () => {
      const { app } = await start(politeGuest)
      expect((await app.invoke(polite.echo, new Uint8Array(0))).length).toBe(0)
    })

    test('passes an event of the longest size, and refuses one that is longer', async () => {
      const { app } = await start(politeGuest, { limits: { payloadBytes: 200_000 } })
      const longest = new Uint8Array(200_000).fill(5)
      expect(await app.invoke(polite.echo, longest)).toEqual(longest)
      expect((await failure(app.invoke(polite.echo, new Uint8Array(200_001)))).code).toBe('ERR_RUN_PAYLOAD')
    })

    test('answers host calls while the guest waits, and gives it the status', async () => {
      const { app } = await start(politeGuest)
      const long = new Uint8Array(100_000).map((_, index) => index)
      expect(await app.invoke(polite.relay, long)).toEqual(long)
      expect(number(await app.invoke(polite.status, new Uint8Array(4)))).toBe(77)
    })

    test.each([0, 3, 99_000])(
      'hands over a reply in two parts as one, the first of %i bytes',
      async (first) => {
        const { app } = await start(politeGuest, {
          onHostCall: ({ payload }) => ({
            status: 0,
            payload: payload.slice(0, first),
            rest: payload.slice(first)
          })
        })
        for (const length of [100_000, 200]) {
          const bytes = new Uint8Array(length).map((_, index) => index)
          expect(await app.invoke(polite.relay, bytes)).toEqual(bytes)
        }
      }
    )

    test('keeps the instance between events', async () => {
      const { app } = await start(politeGuest)
      expect(number(await app.invoke(polite.count, new Uint8Array(0)))).toBe(1)
      expect(number(await app.invoke(polite.count, new Uint8Array(0)))).toBe(2)
    })

    test('takes stdout as log, without files behind it', async () => {
      const { app, log } = await start(politeGuest)
      expect(number(await app.invoke(polite.print, new Uint8Array(0)))).toBe(0)
      expect(log.join('')).toBe('hello from the guest\n')
      expect(number(await app.invoke(polite.open, new Uint8Array(0)))).toBe(52) // ENOSYS
    })

    test('gives random bytes', async () => {
      const { app } = await start(politeGuest)
      const first = await app.invoke(polite.random, new Uint8Array(0))
      expect(await app.invoke(polite.random, new Uint8Array(0))).not.toEqual(first)
    })

    test('serves events that arrive together one after the other', async () => {
      const { app } = await start(politeGuest)
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => number(await app.invoke(polite.count, new Uint8Array(0))))
      )
      expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    })

    test('ends a guest that makes more host calls than it may, and allows as many as it may', async () => {
      const { app } = await start(politeGuest, { limits: { hostCallsPerInvoke: 10 } })
      const calls = (count: number): Uint8Array => new Uint8Array(Uint32Array.of(count).buffer)
      expect(number(await app.invoke(polite.calls, calls(10)))).toBe(1)
      expect((await failure(app.invoke(polite.calls, calls(11)))).code).toBe('ERR_RUN_BUDGET')
    })

    test('ends a guest whose host call fails, says so, and serves the next event', async () => {
      const { app, events } = await start(politeGuest, {
        onHostCall: async () => await Promise.reject(new Error('no such thing'))
      })
      const error = await failure(app.invoke(polite.relay, new Uint8Array(4)))
      expect(error.code).toBe('ERR_RUN_HOST')
      expect(error.message).toContain('no such thing')
      expect(events.filter((event) => event.type === 'process-ended')).toHaveLength(1)
      expect(number(await app.invoke(polite.count, new Uint8Array(0)))).toBe(1)
    })

    test('refuses a module with an import that nobody offers', async () => {
      expect((await failure(start(unknownImportGuest))).code).toBe('ERR_RUN_MODULE')
    })

    test('refuses a module that speaks another version', async () => {
      const error = await failure(start(otherVersionGuest))
      expect(error.code).toBe('ERR_RUN_MODULE')
    })

    test('refuses what is no module', async () => {
      const module = text.encode('not a module')
      expect((await failure(start(politeGuest, { module }))).code).toBe('ERR_RUN_MODULE')
    })

    test('refuses events after it was stopped', async () => {
      const { app } = await start(politeGuest)
      await app.stop()
      expect(app.state).toBe('stopped')
      expect((await failure(app.invoke(polite.echo, new Uint8Array(1)))).code).toBe('ERR_RUN_STOPPED')
    })
  })
}

/** What a runner of processes offers beyond the port, for the attacks that need it. */
export function testHostileGuests(name: string, subject: RunnerUnderTest): void {
  describe(`hostile guests: ${name}`, () => {
    const opened: RunningApp[] = []
    const start = startWith(subject, opened)
    const empty = new Uint8Array(0)
    afterEach(async () => {
      for (const app of opened.splice(0)) await app.stop()
    })

    async function expectEnd(
      kind: number,
      code: AppRunError['code'],
      options: Partial<AppRunOptions> = {}
    ): Promise<AppRunError> {
      const { app } = await start(hostileGuest, options)
      const error = await failure(app.invoke(kind, empty))
      expect(error.code, error.message).toBe(code)
      expect(error.message).toContain('app guest: ')
      expect(number(await app.invoke(hostile.healthy, empty))).toBe(42)
      return error
    }

    test('an endless loop uses up its fuel', async () => {
      await expectEnd(hostile.spin, 'ERR_RUN_FUEL', { limits: { fuel: 50_000_000 } })
    })

    test('an endless loop ends at its deadline, whatever fuel is left', async () => {
      const { app } = await start(hostileGuest, { limits: { fuel: 50_000_000_000, invokeMs: 200 } })
      const started = performance.now()
      expect((await failure(app.invoke(hostile.spin, empty))).code).toBe('ERR_RUN_DEADLINE')
      expect(performance.now() - started).toBeLessThan(2000)
      expect(number(await app.invoke(hostile.healthy, empty))).toBe(42)
    })

    test('an endless loop of memory.fill ends at its deadline', async () => {
      const { app } = await start(hostileGuest, { limits: { fuel: 50_000_000_000, invokeMs: 200 } })
      const started = performance.now()
      const error = await failure(app.invoke(hostile.fill, empty))
      expect(['ERR_RUN_DEADLINE', 'ERR_RUN_FUEL']).toContain(error.code)
      expect(performance.now() - started).toBeLessThan(3000)
    })

    test('bulk operations are charged by their length', async () => {
      await expectEnd(hostile.fill, 'ERR_RUN_FUEL', { limits: { fuel: 500_000_000, invokeMs: 20_000 } })
    })

    test('memory grows to its limit and not beyond', async () => {
      const { app } = await start(hostileGuest, { limits: { memoryBytes: 4 * 1024 * 1024 } })
      const pages = number(await app.invoke(hostile.grow, empty))
      expect(pages).toBeLessThanOrEqual(64)
      expect(pages).toBeGreaterThan(32)
    })

    test('a table grows to its limit and not beyond', async () => {
      const { app } = await start(hostileGuest, { limits: { tableElements: 9000 } })
      expect(number(await app.invoke(hostile.tables, empty))).toBeLessThanOrEqual(9000)
    })

    test('endless recursion is a trap', async () => {
      const error = await expectEnd(hostile.recurse, 'ERR_RUN_TRAP')
      expect(error.message).toContain('stack')
    })

    test('unreachable is a trap', async () => {
      await expectEnd(hostile.unreachable, 'ERR_RUN_TRAP')
    })

    test('an answer outside the guest’s memory is refused', async () => {
      await expectEnd(hostile.outside, 'ERR_RUN_PAYLOAD')
    })

    test('an answer longer than the limit is refused before anything is read', async () => {
      await expectEnd(hostile.hugeAnswer, 'ERR_RUN_PAYLOAD')
    })

    test('a host call with a length of four gigabytes is refused', async () => {
      await expectEnd(hostile.wideRequest, 'ERR_RUN_PAYLOAD')
    })

    test('a guest that ends itself says with which status', async () => {
      const error = await expectEnd(hostile.exit, 'ERR_RUN_EXIT')
      expect(error.message).toContain('status 3')
    })

    test('a flood of log is cut to the rate allowed', async () => {
      const limits = { invokeMs: 500, fuel: 50_000_000_000, logBytesPerSecond: 1000 }
      const { app, log } = await start(hostileGuest, { limits })
      const error = await failure(app.invoke(hostile.flood, empty))
      expect(['ERR_RUN_DEADLINE', 'ERR_RUN_FUEL']).toContain(error.code)
      expect(log.join('').length).toBeLessThan(20_000)
    })

    test('work in a start function is stopped like any other', async () => {
      const limits = { fuel: 10_000_000 }
      const codes = ['ERR_RUN_FUEL', 'ERR_RUN_TRAP', 'ERR_RUN_MODULE']
      expect(codes).toContain((await failure(start(busyStartGuest, { limits }))).code)
      expect(codes).toContain((await failure(start(busyInitializeGuest, { limits }))).code)
    })

    test('a million functions are refused, and ten thousand run', async () => {
      const module = functionsModule(1_000_000)
      expect((await failure(start(politeGuest, { module }))).code).toBe('ERR_RUN_MODULE')
      const { app } = await start(wideGuest(10_000, 1))
      expect(await app.invoke(polite.echo, Uint8Array.of(3))).toEqual(Uint8Array.of(3))
    })

    test('a br_table of more targets than are allowed is refused, and one with as many runs', async () => {
      expect((await failure(start(wideGuest(1, 65_522)))).code).toBe('ERR_RUN_MODULE')
      const { app } = await start(wideGuest(1, 65_000))
      expect(await app.invoke(polite.echo, Uint8Array.of(3))).toEqual(Uint8Array.of(3))
    })

    test('exports of another signature are refused when they are called', async () => {
      const { app } = await start(wrongSignatureGuest)
      expect((await failure(app.invoke(0, empty))).code).toBe('ERR_RUN_MODULE')
    })

    test('an app that keeps failing is suspended, keeps the reason, and can be resumed', async () => {
      const { app, events } = await start(hostileGuest)
      for (let crash = 0; crash < 5; crash++) {
        expect((await failure(app.invoke(hostile.unreachable, empty))).code).toBe('ERR_RUN_TRAP')
      }
      expect(app.state).toBe('suspended')
      expect(app.lastFailure?.code).toBe('ERR_RUN_TRAP')
      expect((await failure(app.invoke(hostile.healthy, empty))).code).toBe('ERR_RUN_SUSPENDED')
      expect(events.some((event) => event.type === 'suspended')).toBe(true)
      app.resume()
      expect(number(await app.invoke(hostile.healthy, empty))).toBe(42)
    })

    test('what waits for an app behind a failure is served by its next process', async () => {
      const { app } = await start(hostileGuest, { limits: { fuel: 5_000_000 } })
      const failing = failure(app.invoke(hostile.spin, empty))
      const waiting = app.invoke(hostile.healthy, empty)
      expect((await failing).code).toBe('ERR_RUN_FUEL')
      expect(number(await waiting)).toBe(42)
    })

    test('more events than may wait are refused at once', async () => {
      const { app } = await start(hostileGuest, {
        limits: { queuedInvokes: 2, invokeMs: 300, fuel: 50_000_000_000 }
      })
      const first = failure(app.invoke(hostile.spin, empty))
      const waiting = [app.invoke(hostile.healthy, empty), app.invoke(hostile.healthy, empty)]
      expect((await failure(app.invoke(hostile.healthy, empty))).code).toBe('ERR_RUN_QUEUE_FULL')
      expect((await first).code).toBe('ERR_RUN_DEADLINE')
      expect((await Promise.all(waiting)).map(number)).toEqual([42, 42])
    })

    test('a host call that is never answered ends the process, not the node', async () => {
      const aborted: boolean[] = []
      const { app } = await start(politeGuest, {
        limits: { hostCallMs: 200 },
        onHostCall: async ({ signal }) => {
          signal.addEventListener('abort', () => void aborted.push(true))
          return await new Promise(() => undefined)
        }
      })
      expect((await failure(app.invoke(polite.relay, new Uint8Array(4)))).code).toBe('ERR_RUN_HOST')
      expect(aborted).toEqual([true])
    })

    test('a caller that gives up frees the process', async () => {
      const { app } = await start(hostileGuest, { limits: { fuel: 50_000_000_000, invokeMs: 10_000 } })
      const aborter = new AbortController()
      const running = failure(app.invoke(hostile.spin, empty, { signal: aborter.signal }))
      setTimeout(() => aborter.abort(), 50)
      expect((await running).code).toBe('ERR_RUN_CANCELLED')
      expect(number(await app.invoke(hostile.healthy, empty))).toBe(42)
    })
  })
}
