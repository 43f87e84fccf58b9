import { describe, expect, test } from 'vitest'
import { createFaultyFileSystem } from '../src/faulty-file-system.ts'
import { createNodeProcesses } from '../src/node-processes.ts'
import { acquireLock } from '../src/store-lock.ts'
import { text } from './memory-drivers.ts'

describe('acquireLock', () => {
  test('a running process keeps everybody else out, and lets go when it releases', async () => {
    const files = createFaultyFileSystem()
    const processes = createNodeProcesses()
    const lock = await acquireLock(files, processes)
    expect(lock.stale).toBe(false)
    const refusal = { code: 'ERR_STORE_LOCKED', message: new RegExp(`process ${process.pid}`) }
    await expect(acquireLock(files, processes)).rejects.toMatchObject(refusal)
    await lock.release()
    await (await acquireLock(files, processes)).release()
  })

  test('a pid that another process has by now, or that is from before a restart, is stale', async () => {
    const { boot, started } = createNodeProcesses().self
    for (const content of [
      `${process.pid} ${boot} 12345\n`,
      `${process.pid} other-boot ${started}\n`,
      'nonsense'
    ]) {
      const files = createFaultyFileSystem()
      files.replace('lock', text(content))
      const lock = await acquireLock(files, createNodeProcesses())
      expect(lock.stale, content).toBe(true)
      await lock.release()
    }
  })

  test('a lock that somebody else took over is not removed', async () => {
    const files = createFaultyFileSystem()
    const lock = await acquireLock(files, createNodeProcesses())
    files.replace('lock', text('1 x y\n'))
    await lock.release()
    expect(files.contentOf('lock')).toEqual(text('1 x y\n'))
  })
})
