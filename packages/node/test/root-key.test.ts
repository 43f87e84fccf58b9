import { createMemoryKeyStorage, createPrincipalSecret, passwordBytes } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { describe, expect, test } from 'vitest'
import { createRootKey } from '../src/root-key.ts'

const crypto = createNativeProvider()
const passphrase = 'correct horse battery'

async function setUp() {
  const storage = createMemoryKeyStorage({ crypto, cost: { memoryKib: 64, passes: 1, parallelism: 1 } })
  await storage.create(
    'root',
    createPrincipalSecret(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)),
    {
      password: passwordBytes(passphrase)
    }
  )
  const clock = { ms: 0 }
  const timers: (() => void)[] = []
  const root = createRootKey({
    storage,
    crypto,
    now: () => clock.ms,
    autoLockMs: 300_000,
    startTimer(_milliseconds, callback) {
      timers.push(callback)
      return () => void timers.splice(timers.indexOf(callback), 1)
    }
  })
  return { root, clock, timers, storage }
}

describe('createRootKey', () => {
  test('opens with its passphrase and locks itself again', async () => {
    const { root, timers } = await setUp()
    expect(() => root.principal()).toThrow(expect.objectContaining({ code: 'ERR_ROOT_LOCKED' }))
    await root.unlock(passphrase)
    expect(root.state).toEqual({ isUnlocked: true, locksAtMs: 300_000, failedAttempts: 0 })
    const principal = root.principal()
    timers[0]?.()
    expect(root.state.isUnlocked).toBe(false)
    expect(() => principal.key.sign(new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_CLOSED' })
    )
  })

  test('refuses a wrong passphrase and makes guessing slow', async () => {
    const { root, clock } = await setUp()
    const wrong = () => root.unlock('wrong horse battery')
    await expect(wrong()).rejects.toMatchObject({ code: 'ERR_ROOT_PASSPHRASE' })
    await expect(wrong()).rejects.toMatchObject({ code: 'ERR_ROOT_PASSPHRASE' })
    await expect(wrong()).rejects.toMatchObject({ code: 'ERR_ROOT_PASSPHRASE' })
    await expect(root.unlock(passphrase)).rejects.toMatchObject({
      code: 'ERR_ROOT_ATTEMPTS',
      data: { retryAfterMs: 1000 }
    })
    clock.ms = 1000
    await expect(wrong()).rejects.toMatchObject({ code: 'ERR_ROOT_PASSPHRASE' })
    clock.ms = 2000
    await expect(root.unlock(passphrase)).rejects.toMatchObject({ code: 'ERR_ROOT_ATTEMPTS' })
    clock.ms = 3000
    await root.unlock(passphrase)
    expect(root.state.failedAttempts).toBe(0)
  })

  test('tells nobody the passphrase', async () => {
    const { root } = await setUp()
    const error = await root.unlock('my wrong secret').catch((caught: unknown) => caught)
    expect(JSON.stringify([error, String(error)])).not.toContain('my wrong secret')
  })

  test('changes the passphrase', async () => {
    const { root, storage } = await setUp()
    await root.changePassphrase(passphrase, 'another long phrase')
    await expect(root.unlock(passphrase)).rejects.toMatchObject({ code: 'ERR_ROOT_PASSPHRASE' })
    await root.unlock('another long phrase')
    expect(await storage.list()).toEqual(['root'])
  })
})
