import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  dataDirectoryAt,
  prepareDataDirectory,
  readNodeRecord,
  writeFileDurably
} from '../src/data-directory.ts'
import { beginFirstStart, completeFirstStart, recoverFirstStart } from '../src/first-start-journal.ts'
import { acquireInstanceLock } from '../src/instance-lock.ts'
import { defaultSocketPath, findSocket, lockPath, resolveDataDirectory } from '../src/location.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const record = { format: 1, treeId: 'bciq', createdMs: 1, createdBy: '0.1.0' }

describe('prepareDataDirectory', () => {
  test('makes it for its owner alone', async () => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(join(directory.path, 'a', 'b'))
    prepareDataDirectory(data)
    expect(statSync(data.path).mode & 0o777).toBe(0o700)
  })

  test('refuses a place below a file', async () => {
    await using directory = await temporaryDirectory()
    writeFileSync(join(directory.path, 'file'), '')
    const data = dataDirectoryAt(join(directory.path, 'file', 'data'))
    expect(() => prepareDataDirectory(data)).toThrow(expect.objectContaining({ code: 'ERR_DATA_ACCESS' }))
  })

  test.skipIf(process.getuid?.() !== 0)('refuses a directory of another user (needs root)', async () => {
    await using directory = await temporaryDirectory()
    const { chownSync } = await import('node:fs')
    chownSync(directory.path, 65_534, 65_534)
    expect(() => prepareDataDirectory(dataDirectoryAt(directory.path))).toThrow(
      expect.objectContaining({ code: 'ERR_DATA_OWNER' })
    )
  })

  test('refuses a directory that cannot be written', async () => {
    await using directory = await temporaryDirectory()
    chmodSync(directory.path, 0o555)
    const prepare = (): void => prepareDataDirectory(dataDirectoryAt(directory.path))
    expect(() => withoutRoot(prepare)).toThrow(expect.objectContaining({ code: 'ERR_DATA_ACCESS' }))
    chmodSync(directory.path, 0o700)
    expect(prepare).not.toThrow()
  })
})

/** root writes everywhere: as somebody else, for as long as `act` takes. */
function withoutRoot(act: () => void): void {
  if (process.geteuid?.() !== 0 || process.seteuid === undefined) return act()
  process.seteuid(65_534)
  try {
    act()
  } finally {
    process.seteuid(0)
  }
}

describe('readNodeRecord', () => {
  test('finds none in an empty directory', async () => {
    await using directory = await temporaryDirectory()
    expect(readNodeRecord(dataDirectoryAt(directory.path))).toBeUndefined()
  })

  test('refuses a directory of a later format', async () => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    writeFileSync(data.record, JSON.stringify({ ...record, format: 2 }))
    expect(() => readNodeRecord(data)).toThrow(expect.objectContaining({ code: 'ERR_DATA_FORMAT' }))
  })

  test.each(['', '{', '[]', '{"format":1}'])('refuses %j as node.json', async (text) => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    writeFileSync(data.record, text)
    expect(() => readNodeRecord(data)).toThrow(expect.objectContaining({ code: 'ERR_DATA_FORMAT' }))
  })

  test('refuses keys without node.json instead of making others over them', async () => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    mkdirSync(data.keys)
    writeFileSync(join(data.keys, 'root.key'), 'x')
    expect(() => readNodeRecord(data)).toThrow(expect.objectContaining({ code: 'ERR_DATA_INCOMPLETE' }))
  })
})

describe('the first start', () => {
  test('moves everything into place', async () => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    const staged = beginFirstStart(data)
    writeFileSync(join(staged.keys, 'node.key'), 'k')
    completeFirstStart(data, record)
    expect(readNodeRecord(data)).toEqual(record)
    expect(readFileSync(join(data.keys, 'node.key'), 'utf8')).toBe('k')
    expect(existsSync(data.staging)).toBe(false)
    expect(recoverFirstStart(data)).toBe('none')
  })

  test('leaves nothing when it ends before its commit point', async () => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    const staged = beginFirstStart(data)
    writeFileSync(join(staged.keys, 'node.key'), 'k')
    expect(recoverFirstStart(data)).toBe('discarded')
    expect(existsSync(data.staging)).toBe(false)
    expect(readNodeRecord(data)).toBeUndefined()
  })

  test.each([0, 1, 2, 3])('is carried on when it ends after the commit point and %i moves', async (moves) => {
    await using directory = await temporaryDirectory()
    const data = dataDirectoryAt(directory.path)
    const staged = beginFirstStart(data)
    writeFileSync(join(staged.keys, 'node.key'), 'k')
    mkdirSync(join(staged.hosted, 'tree'), { recursive: true }) // of a restored node
    writeFileDurably(staged.record, JSON.stringify(record))
    const { renameSync } = await import('node:fs')
    if (moves > 0) renameSync(staged.keys, data.keys)
    if (moves > 1) renameSync(staged.store, data.store)
    if (moves > 2) renameSync(staged.hosted, data.hosted)
    expect(recoverFirstStart(data)).toBe('completed')
    expect(readNodeRecord(data)).toEqual(record)
    expect(existsSync(join(data.keys, 'node.key'))).toBe(true)
    expect(existsSync(data.store)).toBe(true)
    expect(existsSync(join(data.hosted, 'tree'))).toBe(true)
    expect(existsSync(data.staging)).toBe(false)
  })
})

describe('acquireInstanceLock', () => {
  test('is held by one and free again after the release', async () => {
    await using directory = await temporaryDirectory()
    const lock = acquireInstanceLock(directory.path)
    expect(() => acquireInstanceLock(directory.path)).toThrow(
      expect.objectContaining({ code: 'ERR_DATA_IN_USE', data: { pid: process.pid } })
    )
    lock.release()
    acquireInstanceLock(directory.path).release()
    expect(existsSync(lockPath(directory.path))).toBe(false)
  })

  test('takes over from a process that is gone', async () => {
    await using directory = await temporaryDirectory()
    writeFileSync(lockPath(directory.path), JSON.stringify({ pid: 2 ** 22 + 1, started: 'x' }))
    const lock = acquireInstanceLock(directory.path)
    expect(lock.tookOverFrom).toBe(2 ** 22 + 1)
    lock.release()
  })

  test('takes over when the process id belongs to another process by now', async () => {
    await using directory = await temporaryDirectory()
    writeFileSync(
      lockPath(directory.path),
      JSON.stringify({ pid: process.ppid, started: 'an earlier boot:1' })
    )
    const lock = acquireInstanceLock(directory.path)
    expect(lock.tookOverFrom).toBe(process.ppid)
    lock.release()
  })

  test('takes over from a lock that cannot be read', async () => {
    await using directory = await temporaryDirectory()
    writeFileSync(lockPath(directory.path), 'garbage')
    acquireInstanceLock(directory.path).release()
  })

  test('tells clients where the socket is', async () => {
    await using directory = await temporaryDirectory()
    const lock = acquireInstanceLock(directory.path)
    lock.publishSocket('/run/x.sock')
    expect(findSocket(directory.path, {})).toBe('/run/x.sock')
    lock.release()
    expect(findSocket(directory.path, {})).toBe(join(directory.path, 'rpc.sock'))
  })
})

describe('defaultSocketPath', () => {
  test('goes to the runtime directory when the data directory is too long', () => {
    const long = `/${'a'.repeat(120)}`
    expect(defaultSocketPath('/data', {})).toBe('/data/rpc.sock')
    expect(defaultSocketPath(long, { XDG_RUNTIME_DIR: '/run/user/1' })).toMatch(
      /^\/run\/user\/1\/blocktree-[0-9a-f]{16}\.sock$/
    )
    expect(defaultSocketPath(long, {})).toBeUndefined()
  })
})

describe('resolveDataDirectory', () => {
  test('prefers what was asked for over the variable over the usual place', () => {
    const environment = { BLOCKTREE_DATA: '~/tree', HOME: '/home/anna', XDG_DATA_HOME: '/home/anna/share' }
    const at = (data: string | undefined, variables: object) =>
      resolveDataDirectory({ data, environment: { ...variables }, workingDirectory: '/work' })
    expect(at('here', environment)).toBe('/work/here')
    expect(at(undefined, environment)).toBe('/home/anna/tree')
    expect(at(undefined, { XDG_DATA_HOME: '/home/anna/share' })).toBe('/home/anna/share/blocktree')
  })
})
