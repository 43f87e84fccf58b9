/**
 * The states of a node process: starting, running, stopping, stopped. What was opened registers how it is closed, and
 * is closed in the reverse order, each step bounded in time, so that one stuck part does not keep the others open.
 */
import type { Log } from './log.ts'

export type LifeState = 'starting' | 'running' | 'stopping' | 'stopped'

export interface LifeCycle {
  readonly state: LifeState
  /** Steps run in the reverse order of registration. */
  onStop(name: string, step: () => Promise<void> | void): void
  running(): void
  /** Idempotent; resolves when everything is closed. True when every step succeeded. */
  stop(reason: string): Promise<boolean>
  readonly stopped: Promise<boolean>
}

const stepMsMax = 10_000 // a close that takes longer is reported and left behind

export function createLifeCycle(options: { readonly log: Log; readonly startTimer?: StartTimer }): LifeCycle {
  const { log, startTimer = startProcessTimer } = options
  const steps: { readonly name: string; readonly run: () => Promise<void> | void }[] = []
  const stopped = Promise.withResolvers<boolean>()
  let state: LifeState = 'starting'

  async function runSteps(): Promise<boolean> {
    let isClean = true
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      try {
        await bounded(step.run(), startTimer)
      } catch (error) {
        isClean = false
        log.error('a part did not close cleanly', { part: step.name, error })
      }
    }
    return isClean
  }

  return {
    get state() {
      return state
    },
    stopped: stopped.promise,
    onStop: (name, run) => {
      steps.push({ name, run })
    },
    running() {
      if (state === 'starting') state = 'running'
    },
    async stop(reason) {
      if (state === 'starting' || state === 'running') {
        state = 'stopping'
        log.info('stopping', { reason })
        const isClean = await runSteps()
        state = 'stopped'
        log.info('stopped', { clean: isClean })
        stopped.resolve(isClean)
      }
      return stopped.promise
    }
  }
}

export type StartTimer = (milliseconds: number, callback: () => void) => () => void

const startProcessTimer: StartTimer = (milliseconds, callback) => {
  const timer = setTimeout(callback, milliseconds)
  return () => clearTimeout(timer)
}

async function bounded(work: Promise<void> | void, startTimer: StartTimer): Promise<void> {
  if (work === undefined) return
  const late = Promise.withResolvers<never>()
  const stopTimer = startTimer(stepMsMax, () => late.reject(new Error(`not closed after ${stepMsMax} ms`)))
  try {
    await Promise.race([work, late.promise])
  } finally {
    stopTimer()
  }
}
