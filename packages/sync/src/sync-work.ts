/** What runs for replication: each piece has an owner who waits for its end; and waiting for what it brings. */
import type { SyncPorts } from './ports.ts'
import { SyncError } from './sync-error.ts'

const progressMs = 500

export class SyncWork {
  readonly #ports: Pick<SyncPorts, 'pace' | 'onNote'>
  readonly #running: Set<Promise<unknown>> = new Set()
  #waiting: Set<() => void> = new Set()
  #isClosed = false

  constructor(ports: Pick<SyncPorts, 'pace' | 'onNote'>) {
    this.#ports = ports
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Waits for nobody, but `settled` does; what fails is noted. */
  run(work: Promise<unknown>): void {
    const running = work.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      this.#ports.onNote?.({ level: 'debug', message: 'replication with a peer failed', details: { reason } })
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.pace.after(milliseconds, resolve)
    })
  }

  /** Something was stored, or a peer came. */
  progressed(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Resolves at the next `progressed`, or after half a second. Who waits in a loop must not spin: ERR_SYNC_CLOSED. */
  progress(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.reject(new SyncError('ERR_SYNC_CLOSED', 'replication was stopped'))
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#ports.pace.after(progressMs, done)
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  /** Nobody waits any more for what will not come; what runs comes to its end. */
  close(): void {
    this.#isClosed = true
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
