import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { testKeyStorage } from '../src/conformance.ts'
import { createKeyFileStorage } from '../src/key-file-storage.ts'
import type { KeyStorage } from '../src/key-storage.ts'
import { createNativeProvider } from '../src/native.ts'

const crypto = createNativeProvider()
const cost = { memoryKib: 32, passes: 1, parallelism: 1 }
const secret = { signSeed: new Uint8Array(32).fill(7), kemSeed: new Uint8Array(32).fill(9) }
const password = new TextEncoder().encode('password')
const parent = await mkdtemp(join(tmpdir(), 'blocktree-key-file-'))
let count = 0

function nextFolder(): string {
  count += 1
  return join(parent, `keys-${count}`)
}

function failing(code: string): unknown {
  return expect.objectContaining({ name: 'CryptoError', code })
}

afterAll(async () => {
  await chmod(parent, 0o700)
  await rm(parent, { recursive: true, force: true })
})

testKeyStorage('files', async () => createKeyFileStorage({ folder: nextFolder(), crypto, cost }))

describe('createKeyFileStorage', () => {
  let folder: string
  let storage: KeyStorage
  beforeEach(() => {
    folder = nextFolder()
    storage = createKeyFileStorage({ folder, crypto, cost })
  })

  test('verifies each key without opening it: one flipped bit anywhere is damage, sealed or not', async () => {
    await storage.create('plain', secret)
    await storage.create('sealed', secret, { password })
    for (const name of ['plain', 'sealed']) {
      const path = join(folder, `${name}.key`)
      const whole = await readFile(path)
      expect(await storage.verify(name)).toBe(true)
      for (let at = 0; at < whole.length; at += 7) {
        const damaged = Uint8Array.from(whole)
        damaged[at] = (damaged[at] ?? 0) ^ 4
        await writeFile(path, damaged)
        await expect(storage.verify(name), `${name}, byte ${at}`).rejects.toThrow(
          failing('ERR_KEY_FILE_FORMAT')
        )
      }
      await writeFile(path, whole.subarray(0, 50))
      await expect(storage.verify(name)).rejects.toThrow(failing('ERR_KEY_FILE_FORMAT'))
    }
  })

  test('writes files of mode 0600 in a folder of mode 0700 and leaves nothing else', async () => {
    await storage.create('node', secret)
    await storage.create('root', secret, { password })
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of ['node.key', 'root.key'])
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    await expect(storage.create('node', secret)).rejects.toThrow(failing('ERR_KEY_FILE_EXISTS'))
    expect((await readdir(folder)).toSorted()).toEqual(['node.key', 'root.key'])
  })

  test.for([0o640, 0o604, 0o660, 0o622, 0o644])(
    'refuses a file of mode %o and opens it after chmod',
    async (mode) => {
      await storage.create('node', secret)
      await chmod(join(folder, 'node.key'), mode)
      await expect(storage.open('node')).rejects.toThrow(failing('ERR_KEY_FILE_MODE'))
      await expect(storage.isSealed('node')).rejects.toThrow(failing('ERR_KEY_FILE_MODE'))
      await chmod(join(folder, 'node.key'), 0o400)
      expect(await storage.isSealed('node')).toBe(false)
    }
  )

  test('a sealed file holds neither seed', async () => {
    await storage.create('root', secret, { password })
    const text = (await readFile(join(folder, 'root.key'))).toString('hex')
    expect(text).not.toContain('07070707')
    expect(text).not.toContain('09090909')
  })

  test('two files sealed under one password differ in salt, commitment and ciphertext', async () => {
    await storage.create('a', secret, { password })
    await storage.create('b', secret, { password })
    const [a, b] = [await readFile(join(folder, 'a.key')), await readFile(join(folder, 'b.key'))]
    for (const [start, end] of [
      [24, 40],
      [40, 72],
      [72, 152]
    ] as const) {
      expect(a.subarray(start, end).equals(b.subarray(start, end))).toBe(false)
    }
  })

  test('passes over what a crash left and removes it with the key', async () => {
    await storage.create('node', secret)
    await writeFile(join(folder, '.node.key.0123'), 'torn', { mode: 0o600 })
    await writeFile(join(folder, '.nodes.key.0123'), 'of another key', { mode: 0o600 })
    await writeFile(join(folder, 'README'), 'not a key')
    await writeFile(join(folder, 'Ünknown.key'), 'not a name')
    expect(await storage.list()).toEqual(['node'])
    expect(await storage.remove('node')).toBe(true)
    expect((await readdir(folder)).toSorted()).toEqual(['.nodes.key.0123', 'README', 'Ünknown.key'])
  })

  test('refuses a sealed file with one byte more, which the right password opens without it', async () => {
    await storage.create('node', secret, { password })
    const path = join(folder, 'node.key')
    const whole = await readFile(path)
    await writeFile(path, Uint8Array.of(...whole, 0))
    await expect(storage.open('node', { password })).rejects.toEqual(failing('ERR_KEY_FILE_FORMAT'))
    await writeFile(path, whole)
    expect(await storage.open('node', { password })).toBeDefined()
  })

  test('refuses empty, foreign and over-long files with the path in the message', async () => {
    await mkdir(folder, { recursive: true })
    for (const content of ['', 'btkey', 'x'.repeat(108), 'x'.repeat(5000)]) {
      await writeFile(join(folder, 'node.key'), content, { mode: 0o600 })
      await expect(storage.open('node')).rejects.toThrow(failing('ERR_KEY_FILE_FORMAT'))
      await expect(storage.open('node')).rejects.toThrow(/node\.key/u)
    }
  })

  test('refuses a folder in place of a file, and follows a link to a private file', async () => {
    await mkdir(join(folder, 'node.key'), { recursive: true })
    await expect(storage.open('node')).rejects.toThrow(failing('ERR_KEY_FILE_ACCESS'))
    await storage.create('real', secret)
    await symlink('real.key', join(folder, 'linked.key'))
    expect((await storage.open('linked'))?.signSeed[0]).toBe(7)
  })

  test('says which path cannot be written', async () => {
    await writeFile(folder, 'a file where the folder should be')
    await expect(storage.create('node', secret)).rejects.toThrow(failing('ERR_KEY_FILE_ACCESS'))
    await expect(storage.create('node', secret)).rejects.toThrow(/keys-\d+/u)
    await expect(storage.list()).rejects.toThrow(failing('ERR_KEY_FILE_ACCESS'))
  })
})
