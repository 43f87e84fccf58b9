/** What needs no grant: timers.*, random.*, clock.*, log.* */
import type { Host } from '@blocktree/app-package'
import type { Held } from '../handle-table.ts'
import type { CallContext, HandlerGroup, HostContext } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import { randomBytesMax, timerDelayMsMin } from '../limits.ts'

export const basicCalls: HandlerGroup<'timers' | 'random' | 'clock' | 'log'> = {
  'timers.start': ({ delay, repeat }, call) => {
    call.handles.expectRoom('timer')
    const timer = new AppTimer(call, repeat)
    const handle = call.handles.add('timer', call.process, timer)
    timer.begin(handle, delay)
    return handle
  },

  'timers.cancel': ({ timer }, call) => {
    call.handles.get('timer', timer)
    call.handles.close(timer)
    return undefined
  },

  'random.bytes': ({ length }, { random }) => {
    if (length > randomBytesMax) return fail('too-large', `${length} is more than ${randomBytesMax} bytes`)
    return random.bytes(length)
  },

  'clock.now': (_nothing, { clock, timers, startedAt }) => ({
    now: clock.now() * 1000,
    monotonic: Math.floor((timers.monotonic() - startedAt) * 1000)
  }),

  'log.write': ({ level, message }, { app, log }) => {
    log({ app, level, message: escapeControls(message), source: 'app' })
    return undefined
  }
}

class AppTimer implements Held {
  readonly #context: HostContext
  readonly #repeatMs: number | undefined
  #handle = 0
  #cancel: () => void = () => undefined
  #missed = 0
  #isDelivering = false
  #isReleased = false

  constructor(context: CallContext, repeatMs: number | undefined) {
    this.#context = context
    this.#repeatMs = repeatMs === undefined ? undefined : Math.max(repeatMs, timerDelayMsMin)
  }

  begin(handle: number, delayMs: number): void {
    this.#handle = handle
    this.#cancel = this.#context.timers.start(Math.max(delayMs, timerDelayMsMin), () => this.#tick())
  }

  release(): void {
    this.#isReleased = true
    this.#cancel()
  }

  #tick(): void {
    if (this.#isReleased) return
    if (this.#repeatMs !== undefined) {
      this.#cancel = this.#context.timers.start(this.#repeatMs, () => this.#tick())
    }
    if (this.#isDelivering) this.#missed += 1
    else void this.#deliver()
  }

  async #deliver(): Promise<void> {
    const tick: Host.Tick = { timer: this.#handle, missed: this.#missed }
    this.#missed = 0
    this.#isDelivering = true
    try {
      await this.#context.deliver('timer', { tick })
    } catch {
      this.#missed += 1 // the failure is in the app's log
    } finally {
      this.#isDelivering = false
      if (this.#repeatMs === undefined) this.#context.handles.close(this.#handle)
    }
  }
}

/** A line of an app cannot pass for two, nor move the cursor of a terminal. */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
