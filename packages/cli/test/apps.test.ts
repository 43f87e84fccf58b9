/** Installed apps from the command line to the answer in a browser's place, on a real node. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flipByte, packVersion } from './app-project-files.ts'
import { type RunningNode, type Workplace, workplace } from './running-node.ts'

let place: Workplace
let node: RunningNode
let project: string
let first: string

const hasScript = spawnSync('script', ['--version']).status === 0
const passphrase = { BLOCKTREE_PASSPHRASE: 'a passphrase of tests' }

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(words, { environment: passphrase })
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

async function json(...words: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await ok(...words, '--json')) as Record<string, unknown>
}

/** Runs a command on a terminal of its own, with this typed ahead. @returns what the terminal shows */
async function typed(words: readonly string[], text: string): Promise<string> {
  const program = fileURLToPath(new URL('../bin/blocktree.cjs', import.meta.url))
  const line = [process.execPath, program, '--data', place.data, ...words].join(' ')
  const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: place.path })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (shown += part))
  child.stdin.write(text)
  await once(child, 'close')
  return shown
}

/** Asks the app as a browser on this machine would. */
async function ask(
  path: string,
  app = 'reader',
  name?: string
): Promise<{ readonly status: number; readonly text: string }> {
  const { url } = await json('app', 'info', app)
  const { host, port } = new URL(String(url))
  const answered = Promise.withResolvers<{ readonly status: number; readonly text: string }>()
  const sent = request({ host: '127.0.0.1', port, path, headers: { host: name ?? host } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => (text += part))
    response.on('end', () => answered.resolve({ status: response.statusCode ?? 0, text }))
  })
  sent.on('error', answered.reject).end()
  return await answered.promise
}

beforeAll(async () => {
  place = await workplace()
  project = join(place.path, 'reader')
  await ok('app', 'new', project, '--title', 'Reader')
  first = await packVersion(place, project, { version: 1 })
  node = await place.start([], passphrase)
  await ok('mkdir', '/letters')
  writeFileSync(join(place.path, 'hello.txt'), 'hello')
  await ok('put', join(place.path, 'hello.txt'), '/letters/')
})

afterAll(async () => {
  await node.stop()
  await place[Symbol.asyncDispose]()
})

describe('a package', () => {
  test('is shown and verified without a node', async () => {
    expect(await ok('app', 'inspect', first)).toContain('May read and list files in a folder that you choose')
    const { author } = await json('app', 'verify', first)
    expect(await json('app', 'key')).toMatchObject({ author, isNew: false })
    expect((await place.run(['app', 'verify', first, '--author', 'somebody'])).code).toBe(7)
  })

  test('is refused with one changed byte, here and by the node', async () => {
    const bad = join(place.path, 'bad.blocktree')
    writeFileSync(bad, flipByte(first, -3))
    expect(await place.run(['app', 'verify', bad])).toMatchObject({ code: 7 })
    const { code, stderr } = await place.run(['app', 'install', bad, '--yes'])
    expect({ code, stderr }).toMatchObject({ code: 7, stderr: expect.stringContaining('ERR_PACKAGE_HASH') })
  })

  test('comes out the same when it is packed again', async () => {
    const again = await packVersion(place, project, { version: 1 })
    expect(readFileSync(again)).toEqual(readFileSync(first))
  })
})

describe('consent', () => {
  test('without a terminal nobody agrees: nothing is installed', async () => {
    const { code, stderr } = await place.run(['app', 'install', first])
    expect(code).toBe(4)
    expect(stderr).toContain('the author says: "Shows your letters"')
    expect(stderr).toContain('--grant shared=PATH')
    expect(await ok('app', 'list')).toBe('')
  })

  test('a permission that the app needs cannot be declined, and one it does not ask for not granted', async () => {
    expect((await place.run(['app', 'install', first, '--yes', '--decline', 'web'])).stderr).toContain(
      'ERR_APP_CONSENT'
    )
    expect((await place.run(['app', 'install', first, '--yes', '--grant', 'other'])).code).toBe(2)
    expect(await ok('app', 'list')).toBe('')
  })

  test.skipIf(!hasScript)(
    'on a terminal each pick is asked for, and then the whole (needs script)',
    async () => {
      expect(await typed(['app', 'install', first], '/letters\nno\n')).toContain('ERR_CONSENT_ABSENT')
      expect(await ok('app', 'list')).toBe('')
      const shown = await typed(['app', 'install', first], '/letters\ny\n')
      expect(shown).toContain('shared: which folder (path, or nothing to decline)?')
      expect(shown).toContain('Install "Reader"? [y/N]')
      expect(await ask('/api/hello.txt')).toEqual({ status: 200, text: 'hello' })
      await ok('app', 'uninstall', 'reader')
    }
  )

  test('--yes alone grants no folder', async () => {
    await ok('app', 'install', first, '--yes')
    const { grants } = await json('app', 'grants', 'reader')
    expect(grants).toMatchObject([
      { name: 'data', isGranted: true },
      { name: 'shared', isGranted: false },
      { name: 'web', isGranted: true }
    ])
    expect((await ask('/api/hello.txt')).status).toBe(403)
  })
})

describe('an installed app', () => {
  test('serves its page and answers requests', async () => {
    expect((await ask('/')).text).toContain('Reader')
    expect(await ask('/api/visits')).toEqual({ status: 200, text: '1' })
    expect(await ask('/api/keep')).toMatchObject({ status: 200 })
    expect(await ask('/api/note')).toEqual({ status: 200, text: 'kept' })
  })

  test('reads a folder once it is granted, and is refused once that is taken back', async () => {
    await ok('app', 'grant', 'reader', 'shared', '/letters')
    expect(await ask('/api/hello.txt')).toEqual({ status: 200, text: 'hello' })
    await ok('app', 'revoke', 'reader', 'shared')
    expect((await ask('/api/hello.txt')).status).toBe(403)
    expect(await ok('app', 'logs', 'reader')).toMatch(/files\.readFile was denied|denied/)
    expect(await ok('grants', '/letters')).not.toContain('app-reader')
  })

  test('answers no request without the permission, and its log says why', async () => {
    await ok('app', 'revoke', 'reader', 'web')
    expect((await ask('/api/visits')).status).toBe(503)
    expect(await ok('app', 'logs', 'reader')).toContain('no grant covers answering web requests')
    expect((await ask('/')).status).toBe(503)
    await ok('app', 'grant', 'reader', 'web')
    expect((await ask('/api/visits')).status).toBe(200)
  })

  test('stops, starts, and is exported as it was installed', async () => {
    expect(await json('app', 'stop', 'reader')).toMatchObject({ state: 'stopped' })
    expect((await ask('/api/visits')).status).toBe(503)
    expect((await ask('/')).status).toBe(503)
    expect(await json('app', 'start', 'reader')).toMatchObject({ state: 'running' })
    expect((await ask('/api/visits')).status).toBe(200)
    const file = join(place.path, 'exported.blocktree')
    await ok('app', 'export', 'reader', file)
    expect(readFileSync(file)).toEqual(readFileSync(first))
    expect((await place.run(['app', 'info', 'nobody'])).code).toBe(3)
  })

  test('is counted for Prometheus under the names of this machine, and under its own it answers itself', async () => {
    const metrics = await ask('/metrics', 'reader', 'localhost')
    expect(metrics.status).toBe(200)
    expect(metrics.text).toContain('blocktree_app_state{app="reader",state="running"} 1')
    expect(metrics.text).toMatch(/blocktree_app_events_total\{app="reader"\} [1-9]/)
    expect(metrics.text).toMatch(/blocktree_http_requests_total\{app="reader",status="2xx"\} [1-9]/)
    expect(await ask('/healthz', 'reader', 'localhost')).toEqual({ status: 200, text: 'ok\n' })
    expect((await ask('/metrics')).status).toBe(404)
  })

  test('cannot be installed under a name that leads elsewhere', async () => {
    for (const name of ['www', 'WWW', '../reader', 'reader/data/files/x']) {
      const { code, stderr } = await place.run(['app', 'install', first, '--name', name, '--yes'])
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('ERR_APP_NAME') })
    }
  })

  test('status and doctor speak of apps', async () => {
    const { apps } = await json('status')
    expect(apps).toMatchObject({
      installed: 1,
      running: 1,
      failing: [],
      address: expect.stringContaining('localhost')
    })
    expect(await ok('doctor')).not.toContain('DOCTOR_APP')
  })
})

describe('a question of an app', () => {
  test('is answered with the folder that the person picks, and the answer is a grant', async () => {
    expect(await ask('/api/ask')).toMatchObject({ status: 200 })
    const question = await json('app', 'questions')
    expect(question).toMatchObject({ app: 'reader', object: 'folder', reason: 'to read more' })
    expect((await ask('/api/later')).status).toBe(403)
    const number = String(question['number'])
    expect((await place.run(['app', 'answer', number])).code).toBe(2)
    expect((await place.run(['app', 'answer', number, '/apps/reader/data'])).code).toBe(4)
    expect((await place.run(['app', 'answer', number, '/'])).code).toBe(4)
    expect(await json('app', 'answer', number, '/letters')).toEqual({ app: 'reader', outcome: 'granted' })
    expect(await ask('/api/later')).toEqual({ status: 200, text: 'hello' })
    expect(await ok('app', 'grants', 'reader')).toContain('asked for while it ran')
    expect((await place.run(['app', 'answer', number, '/letters'])).code).toBe(3)
  })

  test('two grants of one folder are taken back one by one', async () => {
    await ok('app', 'grant', 'reader', 'shared', '/letters')
    await ok('app', 'revoke', 'reader', 'later')
    expect((await ask('/api/later')).status).toBe(403)
    expect(await ask('/api/hello.txt')).toEqual({ status: 200, text: 'hello' })
    await ok('app', 'revoke', 'reader', 'shared')
    expect((await ask('/api/hello.txt')).status).toBe(403)
  })

  test('can be declined', async () => {
    expect(await ask('/api/ask')).toMatchObject({ status: 200 })
    const { number } = await json('app', 'questions')
    expect(await json('app', 'answer', String(number), '--decline')).toMatchObject({ outcome: 'declined' })
    expect((await ask('/api/later')).status).toBe(403)
  })
})

describe('an app that keeps crashing', () => {
  test('is suspended, the person is told why, and can start it again', async () => {
    const follower = place.launch(['app', 'logs', '-f', 'reader', '--json'])
    let followed = ''
    follower.child.stdout.on('data', (part: Buffer) => (followed += part.toString()))
    let state = ''
    for (let attempt = 0; attempt < 60 && state !== 'suspended'; attempt++) {
      expect((await ask('/api/crash')).status).toBeGreaterThanOrEqual(500)
      state = String((await json('app', 'info', 'reader'))['state'])
      await delay(100)
    }
    expect(state).toBe('suspended')
    expect((await ask('/api/visits')).status).toBe(503)
    expect(await ok('app', 'list')).toMatch(/reader .*unreachable/)
    expect(await ok('app', 'logs', 'reader')).toContain('is suspended')
    expect(await ok('doctor')).toContain('DOCTOR_APP_FAILING')
    expect(followed).toContain('is suspended')
    expect(await follower.kill('SIGINT')).toBe(0)
    expect(await json('app', 'start', 'reader')).toMatchObject({ state: 'idle' })
    expect((await ask('/api/visits')).status).toBe(200)
  })
})

describe('an upgrade', () => {
  test('keeps the data, and grants nothing that was declined or taken back', async () => {
    const before = Number((await ask('/api/visits')).text)
    await ok('app', 'upgrade', await packVersion(place, project, { version: 2 }))
    expect(await json('app', 'grants', 'reader')).toMatchObject({
      grants: expect.arrayContaining([expect.objectContaining({ name: 'shared', isGranted: false })])
    })
    expect(await json('app', 'info', 'reader')).toMatchObject({ version: 2, state: 'running' })
    expect(await ask('/api/visits')).toEqual({ status: 200, text: String(before + 1) })
    expect((await ask('/api/note')).text).toBe('kept')
    expect((await place.run(['app', 'upgrade', first])).stderr).toContain('ERR_PACKAGE_DOWNGRADE')
  })

  test('that asks for more needs consent', async () => {
    await ok('app', 'grant', 'reader', 'shared', '/letters')
    const file = await packVersion(place, project, { version: 3, rights: ['read', 'write', 'list'] })
    const refused = await place.run(['app', 'upgrade', file])
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('changed: May read, change and list')
    })
    await ok('app', 'upgrade', file, '--yes')
    expect(await ok('why', 'app-reader', '/letters', 'write')).toContain('app-reader')
    await ok('app', 'revoke', 'reader', 'shared')
    expect(await ok('grants', '/letters')).not.toContain('app-reader')
  })

  test('that fails its check puts code and data back', async () => {
    const before = Number((await ask('/api/visits')).text)
    const more = `migrate(fromVersion: u32): string | null {
      kv.increment('visits', 1000)
      files.writeFile('/data/note.txt', new Uint8Array(3), new WriteOptions(Expectation.ofAnything(), -1, null))
      return null
    }
    health(): string | null { return 'it is not well' }`
    const file = await packVersion(place, project, { version: 4, more })
    const { stderr, code } = await place.run(['app', 'upgrade', file])
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('it is not well') })
    expect(await json('app', 'info', 'reader')).toMatchObject({ version: 3, state: 'running' })
    expect(await ask('/api/visits')).toEqual({ status: 200, text: String(before + 1) })
    expect((await ask('/api/note')).text).toBe('kept')
    expect(await ok('ls', '/apps/reader')).not.toContain('before')
  })
})

describe('the node', () => {
  test('killed in an upgrade puts the version before and its data back at the next start', async () => {
    const before = Number((await ask('/api/visits')).text)
    const more = `migrate(fromVersion: u32): string | null {
      kv.increment('visits', 1000)
      while (true) {}
    }`
    const file = await packVersion(place, project, { version: 4, more })
    const upgrade = place.run(['app', 'upgrade', file])
    while (!(await ok('ls', '/apps/reader')).includes('before')) await delay(20)
    await delay(500)
    await node.kill('SIGKILL')
    expect((await upgrade).code).not.toBe(0)
    node = await place.start([], passphrase)
    expect(await json('app', 'info', 'reader')).toMatchObject({ version: 3, state: 'running' })
    expect((await ask('/api/visits')).text).toBe(String(before + 1))
    expect(await ok('ls', '/apps/reader')).not.toContain('before')
    expect(await ok('app', 'logs', 'reader')).toContain('an upgrade was cut short')
  })

  test('runs its apps again after a restart, and those that were stopped not', async () => {
    const before = Number((await ask('/api/visits')).text)
    await node.stop()
    node = await place.start([], passphrase)
    expect(await json('app', 'info', 'reader')).toMatchObject({ state: 'running', version: 3 })
    expect((await ask('/api/visits')).text).toBe(String(before + 1))
  })

  test('made again from a backup has its apps, their data and grants', async () => {
    await ok('app', 'grant', 'reader', 'shared', '/letters')
    const before = Number((await ask('/api/visits')).text)
    const file = join(place.path, 'node.backup')
    await ok('backup', file)
    await node.stop()
    const data = join(place.path, 'again')
    await ok('init', '--data', data, '--restore', file)
    const again = await place.start(['--data', data], passphrase)
    try {
      const info = await json('app', 'info', 'reader', '--data', data)
      expect(info).toMatchObject({ state: 'running', version: 3 })
      expect(await json('app', 'grants', 'reader', '--data', data)).toMatchObject({
        grants: expect.arrayContaining([
          expect.objectContaining({ name: 'shared', isGranted: true, path: '/letters' })
        ])
      })
      expect(await ok('cat', '/apps/reader/data/files/note.txt', '--data', data)).toBe('kept')
      expect(before).toBeGreaterThan(0)
    } finally {
      await again.stop()
      node = await place.start([], passphrase)
    }
  })

  test('keeps the files of an app that is uninstalled, when asked to, and nothing else', async () => {
    expect(await json('app', 'uninstall', 'reader', '--keep-data')).toEqual({ keptAt: '/reader-data' })
    expect(await ok('cat', '/reader-data/note.txt')).toBe('kept')
    expect(await ok('app', 'list')).toBe('')
    expect(await ok('ls', '/apps')).toBe('')
    expect(await ok('grants', '/letters')).not.toContain('app-reader')
    expect((await place.run(['app', 'info', 'reader'])).code).toBe(3)
  })
})

describe('a damaged installation', () => {
  test('is shown with its reason, keeps nobody else from running, and can be removed', async () => {
    await ok('app', 'install', first, '--yes')
    await node.stop()
    node = await place.start([], passphrase)
    await ok('put', join(place.path, 'hello.txt'), '/apps/reader/grant')
    expect(await json('app', 'list')).toMatchObject({ name: 'reader', state: 'damaged' })
    expect((await place.run(['app', 'info', 'reader'])).code).toBe(7)
    expect(await ok('doctor')).toContain('DOCTOR_APP_FAILING')
    expect(await json('app', 'uninstall', 'reader')).toEqual({})
    expect(await ok('app', 'list')).toBe('')
    expect((await place.run(['app', 'uninstall', 'reader'])).code).toBe(3)
  })
})

describe('app new, build and dev', () => {
  test('a project in WAT builds, and runs on a scratch node', async () => {
    const directory = join(place.path, 'visits')
    await ok('app', 'new', directory, '--template', 'wat')
    const { code, stdout, stderr } = await place.run(['app', 'dev', directory, '--once'])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toMatch(/visits 0\.1\.0 is running {2}http:\/\/visits\.localhost:\d+\//)
  })

  test('dev builds and reloads at a change, says what is wrong with one, and leaves nothing behind', async () => {
    const directory = join(place.path, 'watched')
    const source = join(directory, 'app.wat')
    await ok('app', 'new', directory, '--template', 'wat')
    const temporary = join(place.path, 'temporary')
    mkdirSync(temporary)
    const development = place.launch(['app', 'dev', directory], { TMPDIR: temporary })
    let shown = ''
    development.child.stdout.on('data', (part: Buffer) => (shown += part.toString()))
    const shows = async (text: string): Promise<void> => {
      for (let attempt = 0; attempt < 200 && !shown.includes(text); attempt++) await delay(100)
      expect(shown).toContain(text)
    }
    await shows('watched 0.1.0 is running')
    await delay(300)
    const working = readFileSync(source, 'utf8')
    writeFileSync(source, `${working}(`)
    await shows('the build command failed')
    shown = ''
    writeFileSync(source, working.replace('visits\\":', 'people\\":'))
    await shows('watched 0.1.0 is running')
    expect(await development.kill('SIGINT')).toBe(0)
    expect(readdirSync(temporary)).toEqual([])
  })

  test('a compiler that is missing is named', async () => {
    const directory = join(place.path, 'odd')
    await ok('app', 'new', directory, '--template', 'wat')
    const source = readFileSync(join(directory, 'app.json'), 'utf8')
    writeFileSync(join(directory, 'app.json'), source.replace('npx wat2wasm', 'no-such-compiler'))
    const { code, stderr } = await place.run(['app', 'build', directory])
    expect(code).toBe(1)
    expect(stderr).toContain('"no-such-compiler" is needed to build this app')
    expect((await place.run(['app', 'build', place.path])).stderr).toContain('app new')
    expect((await place.run(['app', 'new', directory])).code).toBe(6)
  })
})
