/**
 * Several addresses of one peer, tried as RFC 8305 tries them: in order, the next one when one has failed or has not
 * answered for a moment, a few at a time. Hellos follow each other, so that the peer sees one of us.
 */
import { dialStaggerMs, racingDialsMax } from './limits.ts'
import type { Timers } from './ports.ts'

export interface DialRace<Target, Opened, Result> {
  readonly timers: Timers
  /** The best first. */
  readonly targets: readonly Target[]
  readonly open: (target: Target, signal: AbortSignal) => Promise<Opened>
  /** Of the first that opened; when it fails the next one that opened is asked. */
  readonly greet: (opened: Opened, target: Target) => Promise<Result>
  /** It opened too late. */
  readonly discard: (opened: Opened) => void
  readonly onFailure: (error: unknown) => void
  /** A result that came by another way; looked at before each attempt. */
  readonly known: () => Result | undefined
}

/** undefined when none answers. Never rejects. */
export async function raceDials<Target, Opened, Result>(
  race: DialRace<Target, Opened, Result>
): Promise<Result | undefined> {
  const { timers, targets, open, greet, discard, onFailure, known } = race
  const won = Promise.withResolvers<Result | undefined>()
  const controller = new AbortController()
  let started = 0
  let running = 0
  let isOver = false
  let turn: Promise<void> = Promise.resolve()
  let cancelTimer = (): void => undefined

  function finish(result: Result | undefined): void {
    if (isOver) return
    isOver = true
    cancelTimer()
    won.resolve(result)
    controller.abort()
  }

  function advance(): void {
    cancelTimer()
    if (isOver) return
    const result = known()
    if (result !== undefined) return finish(result)
    const target = running < racingDialsMax ? targets[started] : undefined
    if (target !== undefined) {
      started += 1
      running += 1
      cancelTimer = timers.start(dialStaggerMs, advance)
      void attempt(target)
    } else if (running === 0) finish(undefined)
  }

  async function attempt(target: Target): Promise<void> {
    try {
      const opened = await open(target, controller.signal)
      const greeting = turn.then(async () => await take(opened, target))
      turn = greeting.catch(() => undefined)
      await greeting
    } catch (error) {
      if (!isOver) onFailure(error)
    }
    running -= 1
    advance()
  }

  async function take(opened: Opened, target: Target): Promise<void> {
    if (isOver) discard(opened)
    else finish(await greet(opened, target))
  }

  advance()
  return await won.promise
}
