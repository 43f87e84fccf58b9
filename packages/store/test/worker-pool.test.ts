import { describe, expect, test } from 'vitest'
import { createWorkerPool, siblingModule } from '../src/worker-pool.ts'
import type { PoolTimer } from '../src/worker-pool.ts'

const entry = new URL('./pool-worker.ts', import.meta.url)

/** Fires when the test says so. */
function manualTimer(): PoolTimer & { fire(): void; readonly waiting: number } {
  const callbacks = new Set<() => void>()
  return {
    after(_milliseconds, callback) {
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
    fire() {
      for (const callback of callbacks) callback()
      callbacks.clear()
    },
    get waiting() {
      return callbacks.size
    }
  }
}

describe('siblingModule', () => {
  test('names the source beside a source, and the emitted module beside an emitted one', () => {
    expect(siblingModule('pool-worker', import.meta.url)).toEqual(entry)
    expect(siblingModule('worker', 'file:///dist/index.js').href).toBe('file:///dist/worker.js')
  })
})

describe('createWorkerPool', () => {
  test('tasks run in threads that start when needed, and buffers move there and back', async () => {
    const pool = createWorkerPool({ entry, threads: 2 })
    expect(pool.running).toBe(0)
    const input = Uint8Array.of(1, 2, 3)
    const results = await Promise.all([
      pool.run<Uint8Array>('double', () => ({ input, transfer: [input.buffer] })),
      ...[5, 6, 7, 8].map((byte) => pool.run<Uint8Array>('double', () => ({ input: Uint8Array.of(byte) })))
    ])
    expect(results.map((result) => [...result])).toEqual([[2, 4, 6], [10], [12], [14], [16]])
    expect(input.length).toBe(0)
    expect(pool.running).toBe(2)
    await pool.close()
    expect(pool.running).toBe(0)
  })

  test('input is made only when a thread is ready for it', async () => {
    const pool = createWorkerPool({ entry, threads: 1 })
    let made = 0
    const tasks = Array.from({ length: 6 }, () =>
      pool.run('double', () => {
        made++
        return { input: new Uint8Array(1) }
      })
    )
    expect(made).toBeLessThanOrEqual(2)
    await Promise.all(tasks)
    expect(made).toBe(6)
    await pool.close()
  })

  test('the error of a task is the error of its promise, and unknown tasks are refused', async () => {
    const pool = createWorkerPool({ entry, threads: 1 })
    await expect(pool.run('fail', () => ({ input: 0 }))).rejects.toThrow('this task fails')
    await expect(pool.run('toString', () => ({ input: 0 }))).rejects.toThrow("no task 'toString'")
    await pool.close()
  })

  test('a thread that dies fails its task and is replaced', async () => {
    const pool = createWorkerPool({ entry, threads: 1 })
    await expect(pool.run('die', () => ({ input: 0 }))).rejects.toMatchObject({ code: 'ERR_WORKER_FAILED' })
    const result = await pool.run<Uint8Array>('double', () => ({ input: Uint8Array.of(4) }))
    expect([...result]).toEqual([8])
    await pool.close()
  })

  test('a waiting task and one at work can be cancelled', async () => {
    const pool = createWorkerPool({ entry, threads: 1 })
    const controller = new AbortController()
    const tasks = [1, 2, 3].map(() => pool.run('wait', () => ({ input: 0 }), controller.signal))
    controller.abort()
    for (const task of tasks) await expect(task).rejects.toMatchObject({ code: 'ERR_WORKER_CANCELLED' })
    await pool.close()
  })

  test('closing cancels what is at work, and nothing can be run any more', async () => {
    const pool = createWorkerPool({ entry, threads: 1 })
    const task = expect(pool.run('wait', () => ({ input: 0 }))).rejects.toMatchObject({
      code: 'ERR_WORKER_CANCELLED'
    })
    await pool.close()
    await task
    await expect(pool.run('double', () => ({ input: 0 }))).rejects.toMatchObject({
      code: 'ERR_WORKER_CANCELLED'
    })
  })

  test('idle threads end after a while and start again with the next task', async () => {
    const timer = manualTimer()
    const pool = createWorkerPool({ entry, threads: 1, timer })
    await pool.run('double', () => ({ input: new Uint8Array(1) }))
    expect([pool.running, timer.waiting]).toEqual([1, 1])
    timer.fire()
    await expect.poll(() => pool.running).toBe(0)
    await pool.run('double', () => ({ input: new Uint8Array(1) }))
    expect(pool.running).toBe(1)
    await pool.close()
  })
})
