import { existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseId } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { packTalker } from './app-project-files.ts'
import { type Workplace, workplace } from './running-node.ts'

interface Member {
  readonly name: string
  readonly principal: string
  readonly fingerprint: string
  readonly isSelf: boolean
  readonly isConnected: boolean
  readonly addresses: readonly string[]
}

async function json<Result>(place: Workplace, words: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await place.run([...words, '--json'])
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
  return JSON.parse(stdout) as Result // what the test asks for, it compares
}

async function invite(owner: Workplace, ...more: readonly string[]): Promise<string> {
  const { code } = await json<{ code: string }>(owner, ['node', 'invite', ...more])
  return code
}

/** Asks until the answer is the wanted one. */
async function until<Result>(
  ask: () => Promise<Result>,
  isWanted: (answer: Result) => boolean
): Promise<Result> {
  const endMs = Date.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (isWanted(answer) || Date.now() > endMs) return answer
    await sleep(100)
  }
}

const members = (place: Workplace): Promise<readonly Member[]> => json(place, ['node', 'list'])
const allConnected =
  (count: number) =>
  (found: readonly Member[]): boolean =>
    found.length === count && found.every(({ isConnected }) => isConnected)

describe('joining', () => {
  test('takes two commands, and a word of the owner', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    expect((await owner.run(['peers'])).stdout).toContain('not open')
    const code = await invite(owner, '--name', 'attic')
    const joining = box.run(['node', 'join', code, '--name', 'box'])
    const [candidate] = await until(
      () => json<readonly { fingerprint: string; name: string }[]>(owner, ['node', 'approve']),
      (waiting) => waiting.length === 1
    )
    expect(candidate?.name).toBe('box')
    expect((await owner.run(['node', 'approve', candidate?.fingerprint ?? ''])).stdout).toContain('attic')
    const joined = await joining
    expect(joined.code).toBe(0)
    expect(joined.stderr).toContain(`node approve ${candidate?.fingerprint}`)

    await box.start()
    const atOwner = await until(() => members(owner), allConnected(2))
    const atBox = await until(() => members(box), allConnected(2))
    expect(atOwner.map(({ name }) => name)).toEqual([expect.stringMatching(/^[a-z0-9][a-z0-9_-]*$/), 'attic'])
    const byName = (found: readonly Member[]): readonly string[] => found.map(({ name }) => name).toSorted()
    expect(byName(atBox)).toEqual(byName(atOwner))
    expect((await owner.run(['node', 'rename', 'laptop'])).stdout).toContain('laptop')
    expect((await owner.run(['node', 'rename', 'No Name'])).stderr).toContain('ERR_PRINCIPAL_NAME')
    const renamed = await until(
      () => members(box),
      (found) => found.some(({ name }) => name === 'laptop')
    )
    expect(byName(renamed)).toEqual(['attic', 'laptop'])
    expect(
      (await box.run(['message', 'send', 'laptop', 'hi', '--topic', 'ping', '--reply', '10'])).stdout
    ).toBe('hi\n')
    const peers = await json<{ peers: readonly { name: string }[] }>(box, ['peers'])
    expect(peers.peers.map(({ name }) => name)).toEqual(['laptop'])
    expect(atBox.find(({ isSelf }) => isSelf)?.fingerprint).toBe(candidate?.fingerprint)
    expect(atOwner.map(({ principal }) => principal).toSorted()).toEqual(
      atBox.map(({ principal }) => principal).toSorted()
    )
    const { treeId } = await json<{ treeId: string }>(owner, ['status'])
    expect(await json<object>(box, ['status'])).toMatchObject({ treeId })
    expect((await box.run(['root', 'unlock', '--passphrase-file', '/dev/null'])).code).not.toBe(0)
  })

  test('a node that was let in lets others in, and all find each other', async () => {
    await using owner = await workplace()
    await using second = await workplace()
    await using third = await workplace()
    await owner.start()
    expect(
      (await second.run(['node', 'join', await invite(owner, '--approved', '--name', 'second')])).code
    ).toBe(0)
    await second.start()
    await until(() => members(owner), allConnected(2))
    expect(
      (await third.run(['node', 'join', await invite(second, '--approved', '--name', 'third')])).code
    ).toBe(0)
    const node = await third.start()
    for (const place of [owner, second, third]) {
      const found = await until(() => members(place), allConnected(3))
      expect(found.map(({ isConnected }) => isConnected)).toEqual([true, true, true])
    }
    await node.stop()
    await third.start() // at another port: the others learn it from itself
    const again = await until(() => members(owner), allConnected(3))
    expect(again.every(({ isConnected }) => isConnected)).toBe(true)
  })

  test('refuses a code that was used, mistyped, taken back, or is for a directory with a node', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await using thief = await workplace()
    await owner.start()
    const code = await invite(owner, '--approved')
    const mistyped = code.slice(0, -1) + (code.endsWith('0') ? '1' : '0')
    expect((await box.run(['node', 'join', mistyped])).stderr).toContain('ERR_INVITATION_CODE')
    expect(existsSync(join(box.data, '.first-start'))).toBe(false)
    expect((await box.run(['node', 'join', code])).code).toBe(0)
    expect((await thief.run(['node', 'join', code])).stderr).toContain('ERR_INVITATION_REFUSED')
    expect(existsSync(join(thief.data, '.first-start'))).toBe(false)
    expect((await box.run(['node', 'join', code])).stderr).toContain('ERR_DATA_EXISTS')
    const back = await invite(owner, '--approved')
    const open = await json<readonly { id: string; state: string }[]>(owner, ['node', 'invitations'])
    for (const { id, state } of open)
      if (state === 'open') expect((await owner.run(['node', 'invitations', '--revoke', id])).code).toBe(0)
    expect((await thief.run(['node', 'join', back])).stderr).toContain('ERR_INVITATION_REFUSED')
    expect((await members(owner)).length).toBeLessThanOrEqual(2)
    await thief.start() // nothing half-made is left: it is a node of its own
    expect((await json<{ treeId: string }>(thief, ['status'])).treeId).toMatch(/^bciq/)
  })

  test('a node that the owner refuses is told so', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    const joining = box.run(['node', 'join', await invite(owner), '--name', 'box'])
    await until(
      () => json<readonly unknown[]>(owner, ['node', 'approve']),
      (waiting) => waiting.length === 1
    )
    expect((await owner.run(['node', 'approve', 'box', '--refuse'])).code).toBe(0)
    expect((await joining).stderr).toContain('ERR_JOIN_REFUSED')
    expect(await members(owner)).toHaveLength(1)
  })
})

describe('a node that was removed', () => {
  test('is let in no more, and can do nothing', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    await box.run(['node', 'join', await invite(owner, '--approved', '--name', 'box')])
    await box.start()
    await until(() => members(owner), allConnected(2))
    await until(() => members(box), allConnected(2))
    const sent = [
      'message',
      'send',
      (await members(box)).find(({ isSelf }) => !isSelf)?.principal ?? '',
      'hello'
    ]
    expect((await box.run(sent)).stderr).toContain('ERR_MESSAGE_UNHEARD') // let in, but nobody takes it
    expect((await owner.run(['node', 'remove', 'box'])).stderr).toContain('ERR_CONFIRMATION_ABSENT')
    expect((await owner.run(['node', 'remove', 'box', '--yes'])).code).toBe(0)
    expect(await members(owner)).toHaveLength(1)
    expect((await json<{ peers: readonly object[] }>(owner, ['peers'])).peers).toHaveLength(0)
    await sleep(2500) // it tries to come back
    expect((await box.run(sent)).stderr).toMatch(/ERR_MESSAGE_(DENIED|UNREACHABLE|TIMEOUT)/)
    const { peers } = await json<{ peers: readonly { standing: string }[] }>(owner, ['peers'])
    expect(peers.every(({ standing }) => standing === 'stranger')).toBe(true)
    expect((await owner.run(['node', 'remove', 'box', '--yes'])).stderr).toContain('ERR_MEMBER_UNKNOWN')
  })
})

describe('a removal', () => {
  test('reaches the other nodes, which let the removed one in no more', async () => {
    await using owner = await workplace()
    await using second = await workplace()
    await using third = await workplace()
    await owner.start()
    for (const [place, name] of [
      [second, 'second'],
      [third, 'third']
    ] as const) {
      await place.run(['node', 'join', await invite(owner, '--approved', '--name', name)])
      await place.start()
    }
    for (const place of [owner, second, third]) await until(() => members(place), allConnected(3))
    const principal = (await members(owner)).find(({ name }) => name === 'third')?.principal ?? ''
    expect((await owner.run(['node', 'remove', 'third', '--yes'])).code).toBe(0)
    const left = await until(
      () => members(second),
      (found) => found.length === 2
    )
    expect(left.map((member) => member.principal)).not.toContain(principal)
    const { peers } = await until(
      () => json<{ peers: readonly { principal: string; standing: string }[] }>(second, ['peers']),
      (found) => found.peers.every((peer) => peer.principal !== principal || peer.standing === 'stranger')
    )
    expect(peers.filter((peer) => peer.standing === 'member')).toHaveLength(1)
  })
})

describe('addresses', () => {
  test('are shown, added and removed', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    await box.run(['node', 'join', await invite(owner, '--approved', '--name', 'box')])
    await box.start()
    await until(() => members(owner), allConnected(2))
    const [, there] = await members(owner)
    expect((await box.run(['status'])).stdout).toContain('1 of 1 connected')
    const ping = await owner.run(['message', 'send', 'box', 'hello', '--topic', 'ping', '--reply', '10'])
    expect(ping).toMatchObject({ code: 0, stdout: 'hello\n' })
    const byPath = await box.run(['message', 'send', '/', 'any of you', '--topic', 'ping', '--reply', '10'])
    expect(byPath).toMatchObject({ code: 0, stdout: 'any of you\n' })
    const reports = box.run(['message', 'listen', 'reports', '--count', '2', '--reply', 'thanks', '--json'])
    const report = ['message', 'send', 'box', 'all is well', '--topic', 'reports']
    await until(
      () => owner.run([...report, '--reply', '10']),
      ({ stdout }) => stdout === 'thanks\n' // once it listens
    )
    expect((await box.run(['message', 'listen', 'reports'])).stderr).toContain('ERR_TOPIC_TAKEN')
    expect((await box.run(['message', 'listen', 'ping'])).stderr).toContain('ERR_TOPIC_TAKEN')
    expect(await owner.run(report)).toMatchObject({ code: 0, stdout: 'it was taken\n' })
    const [first, second] = (await reports).stdout
      .trim()
      .split('\n')
      .map((line): object => JSON.parse(line))
    expect(first).toMatchObject({ text: 'all is well', topic: 'reports', replyWithinMs: 10_000 })
    expect(second).toMatchObject({ text: 'all is well', topic: 'reports' })
    expect((await owner.run(report)).stderr).toContain('ERR_MESSAGE_UNHEARD')
    expect(there?.addresses[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/tls$/)
    const address = '/dns4/box.example/tcp/4781/tls'
    expect((await owner.run(['node', 'address', 'add', 'box', address])).code).toBe(0)
    expect((await owner.run(['node', 'address', 'list', 'box'])).stdout).toContain(`${address}  added`)
    expect((await owner.run(['node', 'address', 'add', 'box', 'box.example'])).stderr).toContain(
      'ERR_ADDRESS_INVALID'
    )
    expect((await owner.run(['node', 'address', 'remove', 'box', address])).code).toBe(0)
    expect((await owner.run(['node', 'address', 'remove', 'box', address])).stderr).toContain(
      'ERR_ADDRESS_INVALID'
    )
  })
})

/** What an app answers to a page on its machine. */
async function ask(place: Workplace, app: string, path: string): Promise<{ status: number; text: string }> {
  const { url } = await json<{ url: string }>(place, ['app', 'info', app])
  const { host, port } = new URL(url)
  const answered = Promise.withResolvers<{ status: number; text: string }>()
  const sent = request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => (text += part))
    response.on('end', () => answered.resolve({ status: response.statusCode ?? 0, text }))
  })
  sent.on('error', answered.reject).end()
  return await answered.promise
}

describe('what a node gets', () => {
  test('everything, when nothing else is said: the same paths on both', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    writeFileSync(join(owner.path, 'letter.txt'), 'dear all')
    await owner.run(['mkdir', '/letters'])
    expect((await owner.run(['put', 'letter.txt', '/letters/'])).code).toBe(0)
    await box.run(['node', 'join', await invite(owner, '--approved')])
    await box.start()
    const read = await until(
      () => box.run(['cat', '/letters/letter.txt']),
      ({ code }) => code === 0
    )
    expect(read.stdout).toBe('dear all')
    writeFileSync(join(box.path, 'answer.txt'), 'thanks')
    const put = await box.run(['put', 'answer.txt', '/letters/', '--wait', 'all'])
    expect(put).toMatchObject({ code: 0, stderr: 'on all 2 nodes\n' })
    const answer = await until(
      () => owner.run(['cat', '/letters/answer.txt']),
      ({ code }) => code === 0
    )
    expect(answer.stdout).toBe('thanks')
  })

  test('a write says how many nodes have it, and that it is pending while the others are away', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    const node = await owner.start()
    expect(await owner.run(['mkdir', '/alone'])).toMatchObject({ code: 0, stderr: '' })
    await box.run(['node', 'join', await invite(owner, '--approved')])
    await box.start()
    await until(() => members(owner), allConnected(2))
    await until(() => members(box), allConnected(2))
    const first = await box.run(['mkdir', '/first'])
    expect(first).toMatchObject({ code: 0, stdout: '', stderr: 'on 1 of 2 nodes; the others follow\n' })
    const second = await json<object>(box, ['mkdir', '/second', '--wait', '2'])
    expect(second).toMatchObject({
      promise: { kept: 2, of: 2, wanted: 2, isPending: false, isReached: true }
    })
    await node.stop()
    await until(
      () => members(box),
      (found) => found.some(({ isConnected }) => !isConnected)
    )
    const pending = "pending: the other nodes can't be reached; kept here, sent when they are back\n"
    expect(await box.run(['mkdir', '/third'])).toMatchObject({ code: 0, stderr: pending })
    expect(await json<object>(box, ['rm', '/second'])).toMatchObject({ promise: { isPending: true } })
    const missed = await box.run(['mkdir', '/fourth', '--wait', 'all', '--timeout', '1'])
    expect(missed.code).not.toBe(0)
    expect(missed.stderr).toContain('ERR_PROMISE_FEW')
    expect((await box.run(['mkdir', '/fifth', '--timeout', '1'])).stderr).toContain('ERR_OPTION_VALUE')
    expect((await box.run(['ls', '/'])).stdout).toMatch(/first\W+fourth\W+third/)
  })

  test('one share and nothing around it', async () => {
    await using owner = await workplace()
    await using mate = await workplace()
    await owner.start()
    await owner.run(['mkdir', '/team']) // directories at the top are shares
    writeFileSync(join(owner.path, 'plan.txt'), 'the plan')
    await owner.run(['put', 'plan.txt', '/team/'])
    await owner.run(['put', 'plan.txt', '/private.txt'])
    await owner.run(['mkdir', '/team/plain'])
    expect((await owner.run(['node', 'invite', '--path', '/team/plain'])).stderr).toContain('ERR_SHARE_PLAIN')
    await mate.run(['node', 'join', await invite(owner, '--approved', '--path', '/team')])
    await mate.start()
    const read = await until(
      () => mate.run(['cat', '/team/plan.txt']),
      ({ code }) => code === 0
    )
    expect(read.stdout).toBe('the plan')
    expect((await mate.run(['cat', '/private.txt'])).stderr).toMatch(/ERR_(ACCESS_DENIED|FILE_NOT_FOUND)/)
    writeFileSync(join(mate.path, 'idea.txt'), 'an idea')
    expect((await mate.run(['put', 'idea.txt', '/team/'])).code).toBe(0)
    const idea = await until(
      () => owner.run(['cat', '/team/idea.txt']),
      ({ code }) => code === 0
    )
    expect(idea.stdout).toBe('an idea')
  })

  test('the right to host alone: it stores everything and reads nothing', async () => {
    await using owner = await workplace()
    await using rented = await workplace()
    await owner.start()
    writeFileSync(join(owner.path, 'letter.txt'), 'dear all')
    await owner.run(['put', 'letter.txt', '/letter.txt'])
    await rented.run(['node', 'join', await invite(owner, '--approved', '--rights', 'host')])
    await rented.start()
    const wanted = (await json<{ tree: { blocks: number } }>(owner, ['status'])).tree.blocks
    const status = await until(
      () => json<{ tree: { blocks: number } }>(rented, ['status']),
      ({ tree }) => tree.blocks === wanted
    )
    expect(status.tree.blocks).toBe(wanted)
    expect((await rented.run(['cat', '/letter.txt'])).stderr).toContain('ERR_ACCESS_DENIED')
    expect((await rented.run(['mkdir', '/x'])).stderr).toContain('ERR_ACCESS_DENIED')
    expect((await rented.run(['node', 'invite'])).stderr).toContain('ERR_ACCESS_DENIED')
  })
})

describe('apps on two nodes', () => {
  test('send each other messages, and replies come back', async () => {
    await using owner = await workplace()
    await using box = await workplace()
    await owner.start()
    await box.run(['node', 'join', await invite(owner, '--approved', '--name', 'box')])
    await box.start()
    const found = await until(() => members(owner), allConnected(2))
    const [here, there] = found.map(({ principal }) => parseId(principal).toHex())
    const file = await packTalker(owner)
    const install = (place: Workplace, name: string): ReturnType<Workplace['run']> =>
      place.run(['app', 'install', file, '--yes', '--name', name])
    expect(await install(owner, 'one')).toMatchObject({ code: 0 })
    expect(await install(box, 'two')).toMatchObject({ code: 0 })

    expect(await ask(owner, 'one', `/api/send/${there}/two/hello`)).toEqual({ status: 200, text: '' })
    expect(
      (
        await until(
          () => ask(box, 'two', '/api/last'),
          ({ text }) => text !== ''
        )
      ).text
    ).toBe('hello')
    expect(
      (
        await until(
          () => ask(owner, 'one', '/api/reply'),
          ({ text }) => text !== ''
        )
      ).text
    ).toBe('heard hello')
    expect(await ask(box, 'two', `/api/send/${here}/one/back`)).toMatchObject({ status: 200 })
    expect(
      (
        await until(
          () => ask(owner, 'one', '/api/last'),
          ({ text }) => text !== ''
        )
      ).text
    ).toBe('back')

    expect(await ask(owner, 'one', `/api/send/${there}/none/hello`)).toMatchObject({ status: 502 })
    // what a removed node wrote and nobody had yet does not count, not even there
    await until(
      () => owner.run(['app', 'info', 'two']),
      ({ code }) => code === 0
    )
    expect((await owner.run(['node', 'remove', 'box', '--yes'])).code).toBe(0)
    expect(await ask(owner, 'one', `/api/send/${there}/two/again`)).toMatchObject({ status: 502 })
    // a removed node may have lost the names of its apps with the keys already: it sends nothing either way
    const sent = await ask(box, 'two', `/api/send/${here}/one/again`).then(
      ({ status }) => status,
      () => undefined
    )
    expect(sent).not.toBe(200)
    expect((await ask(owner, 'one', '/api/last')).text).toBe('back')
  })
})
