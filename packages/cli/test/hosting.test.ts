import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { workplace } from './running-node.ts'

describe('a tree of another owner', () => {
  test('is read with a link that came with a bundle, listed and forgotten', async () => {
    await using alice = await workplace()
    await using bob = await workplace()
    await alice.start()
    await bob.start()
    mkdirSync(join(alice.path, 'photos'))
    writeFileSync(join(alice.path, 'photos', 'one.txt'), 'the first photo')
    expect((await alice.run(['put', 'photos', '/photos'])).code).toBe(0)
    const granted = JSON.parse((await alice.run(['grant', '/photos', '--link', '--json'])).stdout)
    const link = String(granted.link)
    const bundle = join(alice.path, 'photos.bundle')
    expect((await alice.run(['bundle', 'export', bundle, '/photos'])).code).toBe(0)

    expect((await bob.run(['bundle', 'import', bundle])).stderr).toContain('ERR_TREE_NOT_HOSTED')
    expect((await bob.run(['accept', link])).code).toBe(0)
    expect((await bob.run(['bundle', 'import', bundle])).code).toBe(0)
    const shown = JSON.parse((await bob.run(['link', 'show', link, '--json'])).stdout)
    expect(shown).toMatchObject({ target: 'zone' })
    expect((await bob.run(['link', 'get', link, 'fetched'])).code).toBe(0)
    expect(readFileSync(join(bob.path, 'fetched', 'one.txt'), 'utf8')).toBe('the first photo')
    expect((await bob.run(['ls', String(shown.path)])).code).not.toBe(0) // the link is not the node's own key

    const { treeId } = shown
    expect((await bob.run(['trees'])).stdout).toContain(`/${treeId}`)
    expect((await bob.run(['forget', treeId])).stderr).toContain('ERR_CONFIRMATION_ABSENT')
    expect((await bob.run(['forget', treeId, '--yes'])).code).toBe(0)
    expect((await bob.run(['trees'])).stdout).not.toContain(treeId)
  })
})

describe('a share over the network', () => {
  test('takes a code, and is followed until it is taken back', async () => {
    await using alice = await workplace()
    await using bob = await workplace()
    await alice.start()
    await bob.start()
    expect((await alice.run(['mkdir', '/photos'])).code).toBe(0)
    expect((await alice.run(['put', '-', '/photos/one.txt'], { input: 'the first photo' })).code).toBe(0)
    const words = ['node', 'invite', '--share', '--path', '/photos', '--approved', '--json']
    const { code } = JSON.parse((await alice.run(words)).stdout)
    expect((await alice.run(['accept', code])).stderr).toContain('ERR_TREE_JOINED')
    const refused = await alice.run(['node', 'invite', '--share', '--rights', 'host'])
    expect(refused.stderr).toContain('ERR_RIGHT_UNKNOWN')
    const { path, treeId, rights } = JSON.parse((await bob.run(['accept', code, '--json'])).stdout)
    expect({ path, rights }).toEqual({ path: `/${treeId}/photos`, rights: ['read'] })
    await expect
      .poll(async () => (await bob.run(['cat', `${path}/one.txt`])).stdout, wait)
      .toBe('the first photo')
    await alice.run(['put', '-', '/photos/two.txt'], { input: 'the second' })
    await expect.poll(async () => (await bob.run(['cat', `${path}/two.txt`])).stdout, wait).toBe('the second')

    const bobId = JSON.parse((await bob.run(['status', '--json'])).stdout).node.id
    const lines = (await alice.run(['grants', '/photos', '--json'])).stdout.trim().split('\n')
    const grant = lines
      .map((line): { id: string; recipientId?: string } => JSON.parse(line))
      .find(({ recipientId }) => recipientId === bobId)
    expect((await alice.run(['revoke', grant?.id ?? ''])).code).toBe(0)
    await alice.run(['put', '-', '/photos/three.txt'], { input: 'not for bob' })
    const { peers }: { peers: readonly { standing: string }[] } = JSON.parse(
      (await alice.run(['peers', '--json'])).stdout
    )
    expect(peers.filter((peer) => peer.standing !== 'stranger')).toEqual([])
    expect((await bob.run(['cat', `${path}/three.txt`])).stderr).toContain('ERR_FILE_NOT_FOUND')
    expect((await bob.run(['cat', `${path}/one.txt`])).stdout).toBe('the first photo') // what was known stays known
    expect((await bob.run(['node', 'join', code])).stderr).toMatch(
      /ERR_(INVITATION_REFUSED|INVITER_UNREACHABLE)/
    )
  })
})

const wait = { timeout: 30_000 }

describe('upkeep of a node that keeps a tree of another owner', () => {
  test('checks, collects and backs up that tree too, and has it again after a restore', async () => {
    await using alice = await workplace()
    await using bob = await workplace()
    await alice.start()
    const node = await bob.start()
    mkdirSync(join(alice.path, 'photos'))
    writeFileSync(join(alice.path, 'photos', 'one.txt'), 'x'.repeat(100_000))
    await alice.run(['put', 'photos', '/photos'])
    const request = JSON.parse((await bob.run(['request', '/photos', '--json'])).stdout)
    const answer = JSON.parse((await alice.run(['approve', request.line, '--json'])).stdout)
    const bundle = join(alice.path, 'photos.bundle')
    await alice.run(['bundle', 'export', bundle, '/photos'])
    const own = JSON.parse((await bob.run(['check', '--json'])).stdout)
    const accepted = JSON.parse((await bob.run(['accept', answer.line, '--json'])).stdout)
    expect((await bob.run(['bundle', 'import', bundle])).code).toBe(0)
    const path = `${accepted.path}/one.txt`
    expect((await bob.run(['cat', path])).stdout).toHaveLength(100_000)

    const both = JSON.parse((await bob.run(['check', '--json'])).stdout)
    expect(both.problems).toEqual([])
    expect(both.records).toBeGreaterThan(own.records + 5)
    expect(JSON.parse((await bob.run(['check', '--rebuild-index', '--json'])).stdout).problems).toEqual([])
    expect((await bob.run(['cat', path])).stdout).toHaveLength(100_000)
    expect((await bob.run(['gc'])).code).toBe(0)
    expect((await bob.run(['compact'])).code).toBe(0)
    expect((await bob.run(['conflicts'])).code).toBe(0)

    const file = join(bob.path, 'tree.backup')
    const environment = { BLOCKTREE_PASSPHRASE: 'a long passphrase for the backup' }
    const made = await bob.run(['backup', file, '--json'], { environment })
    expect(JSON.parse(made.stdout.trim().split('\n').at(-1) ?? '').records).toBe(both.records)
    expect((await bob.run(['drill', file], { environment })).code).toBe(0)
    const part = join(bob.path, 'part.backup')
    expect((await bob.run(['backup', part, accepted.path], { environment })).code).toBe(0)
    expect((await bob.run(['forget', accepted.treeId, '--yes'])).code).toBe(0)
    expect((await bob.run(['backup', '--restore', part], { environment })).code).toBe(0)
    expect((await bob.run(['cat', path])).stdout).toHaveLength(100_000)
    expect((await bob.run(['forget', accepted.treeId, '--yes'])).code).toBe(0)
    expect((await bob.run(['backup', '--restore', file], { environment })).code).toBe(0)
    expect((await bob.run(['cat', path])).stdout).toHaveLength(100_000)
    await node.stop()

    const data = join(bob.path, 'again')
    const words = { environment: { ...environment, BLOCKTREE_DATA: data } }
    expect((await bob.run(['init', '--restore', file], words)).code).toBe(0)
    await bob.start([], { BLOCKTREE_DATA: data })
    expect((await bob.run(['cat', path], { environment: { BLOCKTREE_DATA: data } })).stdout).toHaveLength(
      100_000
    )
  })
})

describe('root replace', () => {
  test('shows what has to be written down, and puts the new root in place', async () => {
    await using place = await workplace()
    const node = await place.start(['--recovery'])
    const lines = node.stderr().match(/\b[0-9a-f]{64}\b/g) ?? []
    const file = join(place.path, 'recovery')
    writeFileSync(file, lines.slice(0, 2).join('\n'))
    const replaced = await place.run(['root', 'replace', '--recovery-file', file, '--json'])
    expect(replaced.code).toBe(0)
    const [prepared, done] = replaced.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(done).toMatchObject({ type: 'replaced', generation: 1, root: prepared.newRoot })
    const unlocked = await place.run(['root', 'unlock'], {
      environment: { BLOCKTREE_PASSPHRASE: prepared.passphrase }
    })
    expect(unlocked.code).toBe(0)
    expect((await place.run(['root', 'replace', '--recovery-file', file])).stderr).toContain(
      'ERR_SUCCESSION_NONE'
    )
  })
})
