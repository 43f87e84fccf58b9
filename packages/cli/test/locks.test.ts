import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Workplace, workplace } from './running-node.ts'

interface Lock {
  readonly node: string
  readonly isThisNode: boolean
  readonly token: number
}

interface Status {
  readonly coordinator?: {
    readonly kind: string
    readonly leader?: string
    readonly hasMajority: boolean
    readonly voters: readonly string[]
    readonly learners: readonly string[]
  }
}

async function json<Result>(place: Workplace, words: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await place.run([...words, '--json'])
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
  return JSON.parse(stdout) as Result // what the test asks for, it compares
}

async function until<Result>(
  ask: () => Promise<Result>,
  isWanted: (answer: Result) => boolean
): Promise<Result> {
  const endMs = Date.now() + 30_000
  for (;;) {
    const answer = await ask()
    if (isWanted(answer) || Date.now() > endMs) return answer
    await sleep(200)
  }
}

async function write(
  place: Workplace,
  path: string,
  text: string,
  ...more: readonly string[]
): Promise<string> {
  const { code, stderr } = await place.run(['put', ...more, '-', path], { input: text })
  return code === 0 ? '' : stderr
}

async function admit(owner: Workplace, place: Workplace, name: string): Promise<void> {
  const { code } = await json<{ code: string }>(owner, ['node', 'invite', '--approved', '--name', name])
  expect((await place.run(['node', 'join', code])).code).toBe(0)
}

const members = (place: Workplace): Promise<Status> => json(place, ['status'])
const follows = (count: number) => (found: Status) =>
  (found.coordinator?.voters.length ?? 0) + (found.coordinator?.learners.length ?? 0) === count &&
  found.coordinator?.hasMajority === true

describe('a lock on a node that is alone', () => {
  test('is given once, with tokens that rise over a restart, and an old token writes nothing', async () => {
    await using place = await workplace()
    const node = await place.start()
    expect(await write(place, '/a', 'one')).toBe('')
    expect((await members(place)).coordinator).toBeUndefined()
    const first = await json<Lock>(place, ['lock', '/a'])
    expect((await place.run(['lock', '/a'])).stderr).toMatch(/"\/[^"]*" is locked by .*ERR_COORDINATOR_HELD/)
    expect((await members(place)).coordinator).toMatchObject({ kind: 'local', hasMajority: true })
    expect(await write(place, '/a', 'two', '--fence', String(first.token))).toBe('')
    expect((await place.run(['unlock', '/a'])).code).toBe(0)
    expect((await place.run(['unlock', '/a'])).stderr).toContain('ERR_LOCK_ENDED')
    const second = await json<Lock>(place, ['lock', '/a'])
    expect(second.token).toBeGreaterThan(first.token)
    expect(await write(place, '/a', 'old', '--fence', String(first.token))).toContain('ERR_LOCK_FENCED')
    await node.stop()
    await place.start()
    expect(await write(place, '/a', 'old', '--fence', String(first.token))).toContain('ERR_LOCK_FENCED')
    const third = await json<Lock>(place, ['lock', '/a', '--wait', '10'])
    expect(third.token).toBeGreaterThan(second.token)
    expect((await place.run(['mv', '/a', '/b', '--fence', String(first.token)])).stderr).toContain(
      'ERR_LOCK_FENCED'
    )
    expect((await place.run(['mv', '/a', '/b', '--fence', String(third.token)])).code).toBe(0)
    expect((await place.run(['mv', '/b', '/a'])).code).toBe(0)
    expect((await place.run(['sequence', '/a', '--count', '10'])).stdout.trim()).toBe('1')
    expect((await place.run(['sequence', '/a'])).stdout.trim()).toBe('11')
    expect((await place.run(['cluster', 'reset'])).stderr).toMatch(/ERR_CONFIRMATION_ABSENT[^]*--yes/)
    expect((await place.run(['cluster', 'reset', '--yes'])).stderr).toContain('ERR_LOCK_RESET')
    expect((await place.run(['unlock', '/a', '--break'])).code).toBe(0)
    expect(await json<readonly Lock[]>(place, ['locks', '/a'])).toMatchObject({ locks: [] })
    expect((await place.run(['cat', '/a'])).stdout).toBe('two')
  }, 60_000)

  test('is held while a command runs, and given back with its exit code', async () => {
    await using place = await workplace()
    await place.start()
    await write(place, '/a', 'one')
    const command = 'echo "fence $BLOCKTREE_FENCE"; until [ -e told ]; do sleep 0.1; done; exit 3'
    const running = place.run(['lock', '/a', '--ttl', '3', '--', 'sh', '-c', command])
    await until(
      () => json<{ locks: readonly Lock[] }>(place, ['locks']),
      ({ locks }) => locks.length === 1
    )
    await sleep(4000) // longer than it lasts when nobody renews it
    expect((await place.run(['lock', '/a'])).stderr).toContain('ERR_COORDINATOR_HELD')
    await writeFile(join(place.path, 'told'), '')
    const { code, stdout } = await running
    expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringMatching(/^fence \d+\n$/) })
    expect((await place.run(['lock', '/a'])).code).toBe(0)
  }, 60_000)
})

describe('a lock in a tree of three nodes', () => {
  test('excludes the others, passes on after its lease when its holder is killed, and fences what it wrote', async () => {
    await using owner = await workplace()
    await using second = await workplace()
    await using third = await workplace()
    await owner.start()
    await write(owner, '/a', 'one')
    const alone = await json<Lock>(owner, ['lock', '/a'])
    await admit(owner, second, 'second')
    const secondNode = await second.start()
    await admit(owner, third, 'third')
    const thirdNode = await third.start()
    for (const place of [owner, second, third]) {
      const { coordinator } = await until(() => members(place), follows(3))
      expect(coordinator).toMatchObject({ kind: 'builtin', hasMajority: true })
    }
    await until(
      () => members(owner),
      (found) => found.coordinator?.voters.length === 3
    )
    await until(
      () => second.run(['cat', '/a']),
      ({ stdout }) => stdout === 'one'
    )
    // what was locked alone is locked for the others too
    expect((await second.run(['lock', '/a'])).stderr).toContain('ERR_COORDINATOR_HELD')
    expect((await owner.run(['unlock', '/a'])).code).toBe(0)

    const held = await json<Lock>(second, ['lock', '/a', '--ttl', '3'])
    expect(held.token).toBeGreaterThan(alone.token)
    const { locks } = await json<{ locks: readonly Lock[] }>(owner, ['locks', '/a'])
    expect(locks).toMatchObject([{ node: 'second', isThisNode: false, token: held.token }])
    const elsewhere = await json<{ locks: readonly Lock[] }>(third, ['locks', '/a'])
    expect(elsewhere.locks).toMatchObject([{ node: 'second', isThisNode: false }])
    expect((await owner.run(['lock', '/a'])).stderr).toContain('ERR_COORDINATOR_HELD')
    await secondNode.kill('SIGKILL')
    const passed = await json<Lock>(third, ['lock', '/a', '--wait', '20'])
    expect(passed.token).toBeGreaterThan(held.token)
    expect(await write(owner, '/a', 'late', '--fence', String(held.token))).toContain('ERR_LOCK_FENCED')
    expect(await write(third, '/a', 'two', '--fence', String(passed.token))).toBe('')

    // a minority says so, and writes go on
    await thirdNode.kill('SIGKILL')
    const lonely = await until(
      () => members(owner),
      ({ coordinator }) => coordinator?.hasMajority === false
    )
    expect(lonely.coordinator?.leader).toBeUndefined()
    expect((await owner.run(['status'])).stdout).toContain('too few nodes')
    expect((await owner.run(['lock', '/a'])).stderr).toContain('ERR_COORDINATOR_NO_MAJORITY')
    expect(await write(owner, '/a', 'alone')).toBe('')
    expect((await owner.run(['cat', '/a'])).stdout).toBe('alone')
  }, 120_000)
})
