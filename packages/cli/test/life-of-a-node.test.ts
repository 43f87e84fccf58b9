import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { workplace } from './running-node.ts'

describe('the first start', () => {
  test('makes keys and a tree, shows the passphrase once on stderr and keeps it nowhere', async () => {
    await using place = await workplace()
    const node = await place.start()
    const answer = await node.call('node.status')
    expect(answer.result).toMatchObject({
      state: 'running',
      tree: { blocks: 1 },
      root: { isUnlocked: false, hasRecovery: false }
    })
    expect(await node.stop()).toBe(0)
    const notice = node
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"secret"'))
    expect(notice).toHaveLength(1)
    const words = /"((?:\s*[a-z]{4}){6})"/.exec(notice[0] ?? '')?.[1]?.trim() ?? ''
    expect(words).not.toBe('')
    for (const file of readdirSync(place.data, { recursive: true, encoding: 'utf8' })) {
      const path = join(place.data, file)
      if (statSync(path).isFile()) expect(readFileSync(path, 'latin1')).not.toContain(words)
    }
    expect(statSync(place.data).mode & 0o777).toBe(0o700)
    expect(statSync(join(place.data, 'keys', 'node.key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(place.data, 'keys', 'root.key')).mode & 0o777).toBe(0o600)
    const second = await place.start()
    expect(second.stderr()).not.toContain('"secret"')
    expect((await second.call('node.status')).result?.['treeId']).toBe(answer.result?.['treeId'])
    await second.stop()
  })

  test('takes a passphrase from a file, which opens the root key later', async () => {
    await using place = await workplace()
    const file = join(place.path, 'passphrase')
    writeFileSync(file, 'correct horse battery\nsecond line\n')
    const node = await place.start(['--passphrase-file', file])
    expect(node.stderr()).not.toContain('"secret"')
    const wrong = await node.call('root.unlock', { passphrase: 'wrong horse battery' })
    expect(wrong.error?.data.code).toBe('ERR_ROOT_PASSPHRASE')
    expect(wrong.error?.message).not.toContain('wrong horse')
    expect((await node.call('session.as', { principal: 'root' })).error?.data.code).toBe('ERR_ROOT_LOCKED')
    expect((await node.call('root.unlock', { passphrase: 'correct horse battery' })).result).toMatchObject({
      isUnlocked: true
    })
    expect((await node.call('session.as', { principal: 'root' })).result).toMatchObject({ isRoot: true })
    expect((await node.call('root.lock')).result).toMatchObject({ isUnlocked: false })
    expect((await node.call('file.list', { path: '/' })).error?.data.code).toBe('ERR_ROOT_LOCKED')
    expect(node.stderr()).not.toMatch(/horse battery/)
    await node.stop()
  })

  test('a command in the same breath waits for it', async () => {
    await using place = await workplace()
    const node = place.launch(['start', '--service'])
    const [made, listed] = await Promise.all([place.run(['mkdir', '/a']), place.run(['ls'])])
    expect([made.code, listed.code]).toEqual([0, 0])
    await node.kill('SIGTERM')
  })

  test('a command without a node says so after a moment', async () => {
    await using place = await workplace()
    const { code, stderr } = await place.run(['ls'])
    expect(code).toBe(5)
    expect(stderr).toContain('ERR_NODE_ABSENT')
  })

  test('refuses a passphrase that is too short', async () => {
    await using place = await workplace()
    const { code, stderr } = await place.run(['init'], { environment: { BLOCKTREE_PASSPHRASE: 'short' } })
    expect(code).toBe(2)
    expect(stderr).toContain('ERR_CONFIGURATION_VALUE')
    expect(existsSync(join(place.data, 'node.json'))).toBe(false)
  })

  test.each([40, 100, 140, 180, 220, 300])(
    'killed after %i ms leaves nothing or what the next start goes on with',
    async (milliseconds) => {
      await using place = await workplace()
      const first = place.launch(['start', '--service'])
      await delay(milliseconds)
      await first.kill('SIGKILL')
      const node = await place.start()
      expect((await node.call('file.list', { path: '/' })).result).toMatchObject({ entries: [] })
      expect(existsSync(join(place.data, '.first-start'))).toBe(false)
      expect(await node.stop()).toBe(0)
    }
  )
})

describe('start', () => {
  test('is refused while a node runs on the directory, and says which', async () => {
    await using place = await workplace()
    const node = await place.start()
    const { code, stderr } = await place.run(['start'])
    expect(code).toBe(6)
    expect(stderr).toContain('ERR_DATA_IN_USE')
    expect(stderr).toContain(`process ${node.child.pid}`)
    expect((await node.call('node.ping')).result).toBeDefined()
    await node.stop()
  })

  test('recognises the lock and the socket of a node that was killed', async () => {
    await using place = await workplace()
    const node = await place.start()
    await node.call('file.create', { path: '/a.txt', data: 'aGVsbG8=' })
    await node.kill('SIGKILL')
    expect(existsSync(join(place.data, 'node.lock'))).toBe(true)
    const again = await place.start()
    expect(again.stderr()).toContain('took over a stale lock')
    expect((await again.call('file.read', { path: '/a.txt' })).result).toMatchObject({ data: 'aGVsbG8=' })
    expect(await again.stop()).toBe(0)
    expect(existsSync(join(place.data, 'node.lock'))).toBe(false)
    expect(existsSync(join(place.data, 'rpc.sock'))).toBe(false)
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('stops cleanly at %s', async (signal) => {
    await using place = await workplace()
    const node = await place.start(['--service'])
    node.child.stdin.end() // ignored by a service
    await delay(50)
    expect(node.child.exitCode).toBeNull()
    expect(await node.kill(signal)).toBe(0)
    expect(node.stderr()).toContain('"clean":true')
  })

  test('stops at node.shutdown after its answer', async () => {
    await using place = await workplace()
    const node = await place.start()
    expect((await node.call('node.shutdown')).result).toEqual({})
    expect(await node.stop()).toBe(0)
  })

  test('refuses a data directory below a file, one that is read-only, and a configuration it does not know', async () => {
    await using place = await workplace()
    writeFileSync(join(place.path, 'file'), '')
    const below = await place.run(['start', '--data', join(place.path, 'file', 'data')])
    expect(below).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_DATA_ACCESS') })
    const readOnly = await place.run(['start', '--data', '/proc/blocktree'])
    expect(readOnly).toMatchObject({ code: 1, stderr: expect.stringMatching(/ERR_DATA_(ACCESS|READ_ONLY)/) })
    mkdirSync(place.data)
    writeFileSync(join(place.data, 'config.yaml'), 'log: { levle: info }')
    const unknown = await place.run(['start'])
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "log.level"') })
  })

  test.skipIf(process.getuid?.() !== 0)(
    'refuses the data directory of another user (needs root)',
    async () => {
      await using place = await workplace()
      mkdirSync(place.data)
      chownSync(place.data, 65_534, 65_534)
      expect(await place.run(['start'])).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('ERR_DATA_OWNER')
      })
    }
  )

  test('refuses a data directory of a later format', async () => {
    await using place = await workplace()
    mkdirSync(place.data, { mode: 0o700 })
    writeFileSync(
      join(place.data, 'node.json'),
      JSON.stringify({ format: 99, treeId: 'x', createdMs: 1, createdBy: '9' })
    )
    expect(await place.run(['start'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_DATA_FORMAT')
    })
  })

  test('refuses a socket path that is too long, and one that somebody answers on', async () => {
    await using place = await workplace()
    const long = join(place.path, 'x'.repeat(120))
    expect(await place.run(['start', '--socket-path', long])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_SOCKET_PATH')
    })
    const taken = join(place.path, 'taken.sock')
    const server = createServer().listen(taken)
    expect(await place.run(['start', '--socket-path', taken])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('ERR_SOCKET_IN_USE')
    })
    server.close()
  })
})
