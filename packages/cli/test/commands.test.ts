import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, type Workplace, workplace } from './running-node.ts'

let place: Workplace
let node: RunningNode
const passphrase = 'a passphrase for tests'

beforeAll(async () => {
  place = await workplace()
  node = await place.start([], { BLOCKTREE_PASSPHRASE: passphrase })
})

afterAll(async () => {
  await node.stop()
  await place[Symbol.asyncDispose]()
})

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(words, {
    environment: { BLOCKTREE_PASSPHRASE: passphrase }
  })
  expect({ words, code, stderr: code === 0 ? '' : stderr }).toEqual({ words, code: 0, stderr: '' })
  return stdout
}

describe('commands against a running node', () => {
  test('print their version without a node', async () => {
    const { stdout, code } = await place.run(['--version', '--data', '/nowhere', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ blocktree: '0.1.0', runtime: process.versions.node })
    expect((await place.run(['version'])).stdout).toContain('blocktree 0.1.0')
  })

  test('put a directory, list it, get it back', async () => {
    const source = join(place.path, 'source')
    mkdirSync(join(source, 'sub'), { recursive: true })
    writeFileSync(join(source, 'a.txt'), 'hello')
    writeFileSync(join(source, 'sub', 'ü.bin'), Buffer.alloc(300_000, 7))
    symlinkSync('../a.txt', join(source, 'sub', 'link'))
    await ok('mkdir', '-p', '/docs/x')
    await ok('put', source, '/docs')
    expect((await ok('ls', '/docs/source')).split('\n')).toEqual(['a.txt', 'sub/', ''])
    expect(await ok('tree', '/docs/source')).toContain('link -> ../a.txt')
    expect(await ok('cat', '/docs/source/a.txt')).toBe('hello')
    await ok('get', '/docs/source', join(place.path, 'back'))
    expect(readFileSync(join(place.path, 'back', 'sub', 'ü.bin'))).toEqual(Buffer.alloc(300_000, 7))
    expect(await ok('put', source, '/docs')).toContain('unchanged')
  })

  test('put from stdin, history, restore, rm, undelete', async () => {
    expect((await place.run(['put', '-', '/docs/now'], { input: 'one' })).code).toBe(0)
    expect((await place.run(['put', '-', '/docs/now'], { input: 'two' })).code).toBe(0)
    expect((await ok('history', '/docs/now')).split('\n')).toHaveLength(4)
    await ok('restore', '/docs/now', '1')
    expect(await ok('cat', '/docs/now')).toBe('one')
    await ok('rm', '/docs/now')
    expect((await place.run(['cat', '/docs/now'])).code).toBe(3)
    await ok('undelete', '/docs/now')
    expect(await ok('cat', '/docs/now')).toBe('one')
  })

  test('mv, cp and their exit codes', async () => {
    await ok('put', join(place.path, 'source', 'a.txt'), '/docs/b.txt')
    await ok('mv', '/docs/b.txt', '/docs/x/')
    expect((await place.run(['mv', '/docs/x/b.txt', '/docs/now'])).code).toBe(6)
    expect((await place.run(['cp', '/docs/x', '/docs/y'])).code).toBe(1)
    await ok('cp', '-r', '/docs/x', '/docs/y')
    expect((await place.run(['rm', '/docs/y'])).code).toBe(6)
    await ok('rm', '-r', '/docs/y')
  })

  test('print exactly one JSON value, or one a line', async () => {
    for (const words of [
      ['status'],
      ['space'],
      ['doctor'],
      ['root', 'status'],
      ['principal', 'show'],
      ['check'],
      ['gc']
    ]) {
      expect(() => JSON.parse(JSON.stringify(words)) as unknown).not.toThrow()
      expect(JSON.parse(await ok(...words, '--json')), words.join(' ')).toBeTypeOf('object')
    }
    for (const words of [
      ['ls', '/docs'],
      ['history', '/docs/now'],
      ['principal', 'list'],
      ['grants'],
      ['log']
    ]) {
      const lines = (await ok(...words, '--json')).trimEnd().split('\n')
      for (const line of lines) expect(JSON.parse(line), words.join(' ')).toBeTypeOf('object')
    }
    expect(JSON.parse(await ok('rpc', 'file.stat', '{"path":"/docs"}'))).toMatchObject({
      kind: 'directory',
      isZone: true
    })
  })

  test('show names that would disguise themselves with what disguises them', async () => {
    const name = 'invoice\u202egpj.exe\u200f\u001b[31m'
    const shown = 'invoice\\u202egpj.exe\\u200f\\u001b[31m'
    const marks = ['\u202e', '\u200f', '\u001b']
    const path = `/docs/${name}`
    await ok('rpc', 'file.create', JSON.stringify({ path, data: '' }))
    for (const words of [
      ['ls', '/docs'],
      ['ls', '-l', '/docs'],
      ['tree', '/docs']
    ]) {
      const text = await ok(...words)
      expect(text, words.join(' ')).toContain(shown)
      for (const mark of marks) expect(text, words.join(' ')).not.toContain(mark)
    }
    const refused = await place.run(['cat', `${path}x`])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(shown)
    for (const mark of marks) expect(refused.stderr).not.toContain(mark)
    expect(await ok('why', 'root', path, 'write')).toContain(shown)
    await ok('rm', path)
  })

  test('share with a second principal, explain, and take it back', async () => {
    await ok('principal', 'create', 'alice')
    expect((await place.run(['--as', 'alice', 'ls', '/docs'])).code).toBe(4)
    expect((await place.run(['why', 'alice', '/docs', 'read'])).code).toBe(4)
    await ok('grant', '/docs', 'alice')
    expect(await ok('--as', 'alice', 'cat', '/docs/now')).toBe('one')
    await ok('why', 'alice', '/docs/now', 'read')
    const why = await ok('why', 'alice', '/docs', 'read')
    expect(why).toContain('yes: alice may read what is in /docs')
    expect(why).toContain('no: alice may not read its name there')
    expect((await place.run(['--as', 'alice', 'put', '-', '/docs/hers'], { input: 'x' })).code).toBe(4)
    await ok('grant', '/docs', 'alice', '--rights', 'write,create', '--expires', '1d')
    expect((await place.run(['--as', 'alice', 'put', '-', '/docs/hers'], { input: 'hers' })).code).toBe(0)
    expect(await ok('cat', '/docs/hers')).toBe('hers')
    await ok('revoke', '/docs', 'alice')
    expect((await place.run(['put', '-', '/docs/later'], { input: 'x' })).code).toBe(0)
    expect((await place.run(['--as', 'alice', 'cat', '/docs/later'])).code).toBe(4)
  })

  test('ask for access with a line, approve, accept', async () => {
    await ok('principal', 'create', 'bob')
    const request = (await ok('--as', 'bob', 'request', '/docs', '--note', 'it is bob')).trim()
    expect(request).toMatch(/^blocktree-request:/)
    expect(await ok('requests', request)).toContain('it is bob')
    const answer = (await ok('approve', request)).trim()
    expect(answer).toMatch(/^blocktree-access:/)
    await ok('--as', 'bob', 'accept', answer)
    expect(await ok('--as', 'bob', 'cat', '/docs/now')).toBe('one')
    expect((await place.run(['--as', 'alice', 'accept', answer])).code).not.toBe(0)
    expect(node.stderr()).not.toContain(answer.slice(20, 60))
  })

  test('back up, drill, and make the node again from the backup', async () => {
    const file = join(place.path, 'tree.backup')
    await ok('backup', file)
    expect(await ok('drill')).toContain('identical')
    expect(await ok('drill', file)).toContain('identical')
    const wrong = await place.run(['drill', file], {
      environment: { BLOCKTREE_PASSPHRASE: 'not this passphrase' }
    })
    expect(wrong).toMatchObject({ code: 4, stderr: expect.stringContaining('ERR_BACKUP_PASSPHRASE') })
    const bytes = readFileSync(file)
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1
    writeFileSync(join(place.path, 'bad.backup'), bytes)
    const bad = await place.run(['drill', join(place.path, 'bad.backup')], {
      environment: { BLOCKTREE_PASSPHRASE: passphrase }
    })
    expect(bad).toMatchObject({ code: 7, stderr: expect.stringContaining('ERR_BACKUP_CORRUPT') })
    await ok('init', '--data', join(place.path, 'again'), '--restore', file)
    const again = await place.start(['--data', join(place.path, 'again')])
    expect((await again.call('file.read', { path: '/docs/now' })).result).toMatchObject({ data: 'b25l' })
    await again.stop()
    await ok('key', 'backup', join(place.path, 'keys.backup'))
    expect(await ok('key', 'restore', join(place.path, 'keys.backup'))).toContain('Nothing was missing')
  })

  test('doctor finds a key file that nobody has used yet damaged', async () => {
    await ok('principal', 'create', 'carol')
    const folder = join(place.data, 'keys')
    const file = readdirSync(folder).find((name) => name.includes('carol'))
    if (file === undefined) throw new Error('no key of carol')
    const path = join(folder, file)
    const whole = readFileSync(path)
    writeFileSync(path, whole.fill(0, 20, 24))
    const report: unknown = JSON.parse((await place.run(['doctor', '--json'])).stdout)
    const finding = { code: 'DOCTOR_KEY_DAMAGED', severity: 'error', reason: expect.stringContaining(file) }
    expect(report).toMatchObject({ findings: expect.arrayContaining([expect.objectContaining(finding)]) })
    rmSync(path)
    expect(await ok('doctor')).not.toContain('DOCTOR_KEY_DAMAGED')
  })

  test('unlock and lock the root key', async () => {
    expect(await ok('root', 'unlock')).toContain('unlocked')
    expect(await ok('root', 'lock')).toContain('is locked')
    const wrong = await place.run(['root', 'unlock'], {
      environment: { BLOCKTREE_PASSPHRASE: 'not this passphrase' }
    })
    expect(wrong.code).toBe(4)
  })
})
