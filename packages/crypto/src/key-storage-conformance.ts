/** The contract of `KeyStorage` as tests; every driver runs all of it. */
import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CryptoErrorCode } from './crypto-error.ts'
import type { KeyStorage, PrincipalSecret } from './key-storage.ts'

/** Registers the suite under `name`; `create` gives a fresh, empty storage with a cheap Argon2id cost. */
export function testKeyStorage(name: string, create: () => Promise<KeyStorage>): void {
  describe(`key storage ${name}`, () => {
    let storage: KeyStorage
    beforeEach(async () => {
      storage = await create()
    })
    const current = (): KeyStorage => storage
    testPlainKeys(current)
    testSealedKeys(current)
    testNames(current)
    testSecrecy(current)
  })
}

const secret: PrincipalSecret = {
  signSeed: Uint8Array.from({ length: 32 }, (_, index) => index + 1),
  kemSeed: Uint8Array.from({ length: 32 }, (_, index) => 200 - index)
}
const password: Uint8Array = new TextEncoder().encode('correct horse battery staple')
const wrongPassword: Uint8Array = new TextEncoder().encode('correct horse battery stable')

function failing(code: CryptoErrorCode): unknown {
  return expect.objectContaining({ name: 'CryptoError', code })
}

async function expectSeeds(opening: Promise<PrincipalSecret | undefined>): Promise<void> {
  const opened = await opening
  expect(opened?.signSeed.toHex()).toBe(secret.signSeed.toHex())
  expect(opened?.kemSeed.toHex()).toBe(secret.kemSeed.toHex())
}

function testPlainKeys(storage: () => KeyStorage): void {
  test('an empty storage lists nothing, opens nothing and removes nothing', async () => {
    expect(await storage().list()).toEqual([])
    expect(await storage().open('node')).toBeUndefined()
    expect(await storage().isSealed('node')).toBeUndefined()
    expect(await storage().verify('node')).toBe(false)
    expect(await storage().remove('node')).toBe(false)
  })

  test('says that a key is whole without its password', async () => {
    await storage().create('node', secret)
    await storage().create('root', secret, { password })
    expect(await storage().verify('node')).toBe(true)
    expect(await storage().verify('root')).toBe(true)
  })

  test('gives back the seeds it was given, again and again', async () => {
    await storage().create('node', secret)
    await expectSeeds(storage().open('node'))
    await expectSeeds(storage().open('node'))
    expect(await storage().isSealed('node')).toBe(false)
  })

  test('keeps copies: neither the caller nor an opened secret can change what is stored', async () => {
    const own = { signSeed: Uint8Array.from(secret.signSeed), kemSeed: Uint8Array.from(secret.kemSeed) }
    await storage().create('node', own)
    own.signSeed.fill(0)
    const opened = await storage().open('node')
    opened?.close()
    await expectSeeds(storage().open('node'))
  })

  test('never overwrites a key', async () => {
    await storage().create('node', secret)
    const other = { signSeed: secret.kemSeed, kemSeed: secret.signSeed }
    await expect(storage().create('node', other)).rejects.toThrow(failing('ERR_KEY_FILE_EXISTS'))
    await expect(storage().create('node', other, { password })).rejects.toThrow(
      failing('ERR_KEY_FILE_EXISTS')
    )
    await expectSeeds(storage().open('node'))
  })

  test('lets exactly one of several concurrent creates win', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => storage().create('node', secret))
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    expect(await storage().list()).toEqual(['node'])
  })

  test('forgets a removed key and takes its name again', async () => {
    await storage().create('node', secret)
    expect(await storage().remove('node')).toBe(true)
    expect(await storage().remove('node')).toBe(false)
    expect(await storage().open('node')).toBeUndefined()
    await storage().create('node', secret)
    await expectSeeds(storage().open('node'))
  })

  test('refuses seeds of another length', async () => {
    const short = { ...secret, kemSeed: secret.kemSeed.subarray(1) }
    await expect(storage().create('node', short)).rejects.toThrow(failing('ERR_KEY_INVALID'))
    expect(await storage().list()).toEqual([])
  })
}

function testSealedKeys(storage: () => KeyStorage): void {
  test('opens a sealed key with its password only', async () => {
    await storage().create('root', secret, { password })
    expect(await storage().isSealed('root')).toBe(true)
    await expectSeeds(storage().open('root', { password }))
    await expect(storage().open('root', { password: wrongPassword })).rejects.toThrow(
      failing('ERR_KEY_FILE_PASSWORD')
    )
    await expect(storage().open('root')).rejects.toThrow(failing('ERR_KEY_FILE_PASSWORD'))
    await expect(storage().open('root', { password: new Uint8Array(0) })).rejects.toThrow(
      failing('ERR_KEY_FILE_PASSWORD')
    )
  })

  test('an empty password seals too', async () => {
    await storage().create('root', secret, { password: new Uint8Array(0) })
    expect(await storage().isSealed('root')).toBe(true)
    await expect(storage().open('root')).rejects.toThrow(failing('ERR_KEY_FILE_PASSWORD'))
    await expectSeeds(storage().open('root', { password: new Uint8Array(0) }))
  })

  test('leaves the password as it was', async () => {
    const own = Uint8Array.from(password)
    await storage().create('root', secret, { password: own })
    expect(own.toHex()).toBe(password.toHex())
  })
}

function testNames(storage: () => KeyStorage): void {
  test('lists names sorted', async () => {
    for (const name of ['root', 'a1', 'node-2', 'node_1']) await storage().create(name, secret)
    expect(await storage().list()).toEqual(['a1', 'node-2', 'node_1', 'root'])
  })

  test('refuses names that are no plain file names, in every function', async () => {
    for (const name of [
      '',
      '.',
      '..',
      'a/b',
      '../a',
      'A',
      'a b',
      'a.key',
      '-a',
      'ü',
      'a\0',
      'a\n',
      'a'.repeat(65)
    ]) {
      await expect(async () => storage().create(name, secret)).rejects.toThrow(failing('ERR_KEY_NAME'))
      await expect(async () => storage().open(name)).rejects.toThrow(failing('ERR_KEY_NAME'))
      await expect(async () => storage().isSealed(name)).rejects.toThrow(failing('ERR_KEY_NAME'))
      await expect(async () => storage().remove(name)).rejects.toThrow(failing('ERR_KEY_NAME'))
    }
    await storage().create('a'.repeat(64), secret)
    expect(await storage().list()).toEqual(['a'.repeat(64)])
  })
}

function testSecrecy(storage: () => KeyStorage): void {
  test('an opened secret shows nothing when inspected or serialised', async () => {
    await storage().create('node', secret)
    const opened = await storage().open('node')
    const text = inspect(opened, { showHidden: true, depth: 10 }) + JSON.stringify({ opened })
    expect(text).not.toMatch(/2, ?3, ?4, ?5|"1":2|02030405/u)
  })

  test('a closed secret is wiped and refuses to be read', async () => {
    await storage().create('node', secret)
    const opened = await storage().open('node')
    const held = opened?.signSeed
    opened?.close()
    expect(held?.every((byte) => byte === 0)).toBe(true)
    expect(() => opened?.signSeed).toThrow(failing('ERR_KEY_CLOSED'))
    expect(() => opened?.kemSeed).toThrow(failing('ERR_KEY_CLOSED'))
  })

  test('an error about a wrong password quotes neither password nor seeds', async () => {
    await storage().create('root', secret, { password })
    const error: unknown = await storage()
      .open('root', { password: wrongPassword })
      .catch((reason: unknown) => reason)
    const text = inspect(error, { depth: 10 }) + JSON.stringify(error)
    expect(text).not.toMatch(/horse|stable|staple/u)
  })
}
