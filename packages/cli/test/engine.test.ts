/** Another engine for apps, from the pinned wheel to an app that answers on it; needs the wheel of `tools/setup-extras`. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningNode, type Workplace, workplace } from './running-node.ts'

const extras = fileURLToPath(new URL('../../../tools/setup-extras', import.meta.url))
const wheel = spawnSync(extras, ['--path', 'libwasmtime'], { encoding: 'utf8' }).stdout.trim()
const missing = wheel === '' ? ' (needs libwasmtime, see tools/setup-extras)' : ''

let place: Workplace
let node: RunningNode
let project: string
let packed: string

async function ok(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(words)
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

async function json(...words: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await ok(...words, '--json')) as Record<string, unknown>
}

async function refusal(file: string): Promise<string> {
  const { code, stderr } = await place.run(['engine', 'install', 'wasmtime', '--file', file])
  expect(code, stderr).not.toBe(0)
  expect(stderr).toContain('ERR_SANDBOX_INSTALL')
  return stderr
}

/** Asks the app how often it was asked, as a browser on this machine would. */
async function ask(): Promise<{ readonly status: number; readonly text: string }> {
  const { host, port } = new URL(String((await json('app', 'info', 'visits'))['url']))
  const answered = Promise.withResolvers<{ readonly status: number; readonly text: string }>()
  const sent = request({ host: '127.0.0.1', port, path: '/api/visits', headers: { host } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => (text += part))
    response.on('end', () => answered.resolve({ status: response.statusCode ?? 0, text }))
  })
  sent.on('error', answered.reject).end()
  return await answered.promise
}

/** @returns the file name of the library that the data directory holds */
function installed(): readonly string[] {
  const directory = join(place.data, 'engines')
  return existsSync(directory) ? readdirSync(directory) : []
}

async function restart(...words: readonly string[]): Promise<void> {
  await node.stop()
  node = await place.start(words)
}

beforeAll(async () => {
  place = await workplace()
  node = await place.start()
  project = join(place.path, 'visits')
  packed = join(place.path, 'visits.blocktree')
  await ok('app', 'new', project, '--template', 'wat')
  await ok('app', 'build', project)
  await ok('app', 'pack', project, '--out', packed)
  await ok('app', 'install', packed, '--yes')
})

afterAll(async () => {
  await node.stop()
  await place[Symbol.asyncDispose]()
})

describe('without another engine', () => {
  test('apps run on v8, and status and doctor say so', async () => {
    expect(await json('app', 'info', 'visits')).toMatchObject({ engine: 'v8' })
    expect((await json('status'))['apps']).toMatchObject({ engine: 'v8' })
    expect(await json('doctor')).toMatchObject({ apps: { engine: 'v8' } })
    expect(await ok('doctor')).toContain('Apps run on v8')
    expect((await ask()).status).toBe(200)
  })

  test('a node that is told to use wasmtime runs no app, and says what to do', async () => {
    await restart('--apps-engine', 'wasmtime')
    const { code, stderr } = await place.run(['app', 'list'])
    expect({ code, stderr }).toMatchObject({ stderr: expect.stringContaining('engine install wasmtime') })
    expect(await json('status')).toMatchObject({ state: 'running' })
    expect((await place.run(['doctor'])).stdout).toContain('DOCTOR_APPS_STOPPED')
    await restart()
    expect((await ask()).status).toBe(200)
  })
})

describe('what is no pinned library is refused, and nothing of it is kept', () => {
  test('an engine that nobody knows, and a file that is not there', async () => {
    expect((await place.run(['engine', 'install', 'other'])).stderr).toContain('no engine "other"')
    const { code, stderr } = await place.run(['engine', 'install', 'wasmtime', '--file', 'nowhere.whl'])
    expect(code, stderr).not.toBe(0)
    expect(stderr).toContain('nowhere.whl')
  })

  test('a file that is no library', async () => {
    const file = join(place.path, 'library.so')
    writeFileSync(file, 'no library at all')
    expect(await refusal(file)).toContain('SHA-256')
  })

  test('a wheel that is no archive, and an archive without a library', async () => {
    const file = join(place.path, 'wrong.whl')
    copyFileSync(packed, file)
    await refusal(file)
    const archive = join(place.path, 'wrong.tar.gz')
    spawnSync('tar', ['--create', '--gzip', '--file', archive, '--directory', project, 'app.json'])
    expect(await refusal(archive)).toContain('holds no lib/libwasmtime.so')
  })

  test('an archive whose entries lead out of it', async () => {
    const archive = join(place.path, 'escape.tar.gz')
    const escape = ['--transform', 's,^app.json,../../escaped/lib/libwasmtime.so,', '--absolute-names']
    spawnSync('tar', ['--create', '--gzip', '--file', archive, ...escape, '--directory', project, 'app.json'])
    expect(spawnSync('tar', ['--list', '--file', archive], { encoding: 'utf8' }).stdout).toContain('..')
    await refusal(archive)
    const link = join(place.path, 'link.tar')
    const links = ['--transform', 's,^link,wasmtime/lib/libwasmtime.so,']
    spawnSync('ln', ['--symbolic', '/etc/passwd', join(place.path, 'link')])
    spawnSync('tar', ['--create', '--file', link, ...links, '--directory', place.path, 'link'])
    spawnSync('gzip', [link])
    expect(await refusal(`${link}.gz`)).toContain('holds no lib/libwasmtime.so')
    expect(installed()).toEqual([])
    expect(existsSync(join(place.path, 'escaped'))).toBe(false)
  })

  test(`a wheel of which one byte is another${missing}`, { skip: missing !== '' }, async () => {
    const bytes = readFileSync(wheel)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    const file = join(place.path, 'changed.whl')
    writeFileSync(file, bytes)
    await refusal(file)
    expect(installed()).toEqual([])
  })

  test(`the wheel with another hash than the person names${missing}`, { skip: missing !== '' }, async () => {
    const words = ['engine', 'install', 'wasmtime', '--file', wheel, '--sha256', '0'.repeat(64)]
    const { code, stderr } = await place.run(words)
    expect(code).not.toBe(0)
    expect(stderr).toContain(`expected ${'0'.repeat(64)}`)
    expect(installed()).toEqual([])
  })
})

describe.skipIf(missing !== '')(`engine install wasmtime${missing}`, () => {
  test('takes the pinned wheel; apps run on it from the next start on, with their data', async () => {
    const before = (await ask()).text
    expect(await json('engine', 'install', 'wasmtime', '--file', wheel)).toMatchObject({
      name: 'wasmtime',
      version: '49.0.0'
    })
    expect(await json('app', 'info', 'visits')).toMatchObject({ engine: 'v8' })
    await restart()
    expect((await json('status'))['apps']).toMatchObject({ engine: 'wasmtime', running: 1 })
    expect(await json('doctor')).toMatchObject({ apps: { engine: 'wasmtime' } })
    expect(await ok('doctor')).toContain('Apps run on wasmtime')
    expect(await json('app', 'info', 'visits')).toMatchObject({ engine: 'wasmtime', state: 'running' })
    const after = await ask()
    expect(after.status).toBe(200)
    expect(after.text).not.toBe(before)
  })

  test('can be installed once more, and is left aside by a node that is told to use v8', async () => {
    const files = installed()
    await ok('engine', 'install', 'wasmtime', '--file', wheel)
    expect(installed()).toEqual(files)
    await restart('--apps-engine', 'v8')
    expect((await json('status'))['apps']).toMatchObject({ engine: 'v8' })
    expect((await ask()).status).toBe(200)
  })

  test('a library that changed on the disk is not loaded, and doctor says what to do', async () => {
    const library = installed().find((name) => name.startsWith('libwasmtime')) ?? ''
    writeFileSync(join(place.data, 'engines', library), 'changed')
    await restart()
    expect(await json('status')).toMatchObject({ state: 'running' })
    const { stdout } = await place.run(['doctor'])
    expect(stdout).toContain('DOCTOR_APPS_STOPPED')
    expect(stdout).toContain('engine install wasmtime')
    expect((await place.run(['app', 'list'])).stderr).toContain('ERR_SANDBOX_ENGINE')
    await ok('engine', 'install', 'wasmtime', '--file', wheel)
    await restart()
    expect((await json('status'))['apps']).toMatchObject({ engine: 'wasmtime', running: 1 })
  })
})
