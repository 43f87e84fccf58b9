/** Every template builds, packs and runs; every guest library says the same to the node. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import {
  createProject,
  encodeExplanation,
  hostStatus,
  packApp,
  parseManifestSource,
  projectTemplates,
  readPackage
} from '@blocktree/app-package'
import { alice, crypto, refusal } from './author-fixture.ts'
import { Guest, type GuestHost } from './guest.ts'
import { build, needs, toolchains } from './toolchains.ts'

const sdkDirectory = fileURLToPath(new URL('../../app-sdk/', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'blocktree-project-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const sdk = readTexts(sdkDirectory)

function readTexts(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const paths = files.filter((path) => statSync(join(directory, path)).isFile())
  return new Map(paths.map((path) => [path, readFileSync(join(directory, path), 'utf8')]))
}

/** Writes files, and gives back where. */
function write(name: string, files: ReadonlyMap<string, string>): string {
  const directory = join(scratch, name)
  for (const [path, text] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

function request(path: string) {
  const rest = { query: undefined, headers: [], content: new Uint8Array(), more: false, client: undefined }
  return { request: { request: 1, method: 'GET', path, ...rest } }
}

describe('createProject', () => {
  test('puts the name, the title and the library in place', () => {
    const files = createProject({ template: 'c', name: 'my-app', title: 'A "<b>"', sdk })
    expect([...files.keys()].sort()).toEqual([
      '.gitignore',
      'README.md',
      'app.c',
      'app.json',
      'blocktree.h',
      'web/icon.svg',
      'web/index.html',
      'web/page.js'
    ])
    expect(parseManifestSource(files.get('app.json') ?? '').draft).toMatchObject({
      name: 'my-app',
      title: 'A "<b>"'
    })
    expect(files.get('web/index.html')).toContain('<h1>A "&lt;b>"</h1>')
    expect([...files.values()].join('')).not.toMatch(/\{\{(name|title)\}\}/)
  })

  test('refuses a template that is not there, and names that an app cannot have', () => {
    expect(refusal(() => createProject({ template: 'cobol', name: 'a', sdk }))).toBe('ERR_PROJECT_TEMPLATE')
    expect(refusal(() => createProject({ template: 'c', name: '../a', sdk }))).toBe('ERR_PACKAGE_MANIFEST')
    expect(refusal(() => createProject({ template: 'c', name: 'a', title: ' ', sdk }))).toBe(
      'ERR_PROJECT_TEMPLATE'
    )
    expect(refusal(() => createProject({ template: 'c', name: 'a', sdk: new Map() }))).toBe(
      'ERR_PROJECT_TEMPLATE'
    )
  })
})

describe('templates', () => {
  for (const template of projectTemplates) {
    const isThere = toolchains[template] !== undefined
    const title = `${template}: builds, packs and counts its visits`
    test.skipIf(!isThere)(
      isThere ? title : `${title} (needs ${needs[template] ?? ''})`,
      { timeout: 120_000 },
      () => {
        const directory = write(template, createProject({ template, name: `my-${template}`, sdk }))
        const source = parseManifestSource(readFileSync(join(directory, 'app.json'), 'utf8'))
        build(template, source.build ?? '', directory)
        const module = new Uint8Array(readFileSync(join(directory, source.module)))
        const web = readTexts(join(directory, source.assets ?? ''))
        const assets = new Map([...web].map(([path, text]) => [path, new TextEncoder().encode(text)]))
        const bytes = packApp(crypto, {
          draft: source.draft,
          module,
          assets,
          signer: alice,
          authorRecord: alice.record
        })
        expect(readPackage(crypto, bytes).manifest.name).toBe(`my-${template}`)

        let visits = 126
        const guest = new Guest(module, () => ({ reply: ++visits }))
        expect(guest.abiVersion).toBe(1)
        const launch = { reason: 'installed' as const, version: 1, installation: 'a', granted: [] }
        expect(guest.send('init', { launch })).toEqual({ kind: 'ok', value: undefined })
        for (const expected of [127, 128, 129]) {
          const answer = guest.send('http', request('/api/visits'))
          if (answer.kind !== 'now' || answer.value.body.kind !== 'content') throw new Error('another answer')
          expect(answer.value).toMatchObject({
            status: 200,
            headers: [{ name: 'content-type', value: 'application/json' }]
          })
          expect(new TextDecoder().decode(answer.value.body.value)).toBe(`{"visits":${expected}}`)
        }
        visits = 2 ** 53 - 2
        const last = guest.send('http', request('/api/visits'))
        expect(
          JSON.stringify(
            last.kind === 'now' && last.value.body.kind === 'content'
              ? new TextDecoder().decode(last.value.body.value)
              : ''
          )
        ).toContain('9007199254740991')
        expect(guest.calls[0]).toEqual({ name: 'kv.increment', request: { key: 'visits', amount: 1 } })
        expect(guest.send('health', {})).toEqual({ kind: 'ok', value: undefined })
        expect(guest.sendBytes(999, new Uint8Array(200_000))).toHaveLength(0)
      }
    )
  }
})

describe('guest libraries', () => {
  /** What each of test/fixtures/guest.* does in the event `timer`. */
  const expected = [
    {
      name: 'files.write-file',
      request: {
        path: '/data/ä',
        content: new Uint8Array(300).fill(7),
        options: {
          expected: { kind: 'version', value: new Uint8Array(32).fill(9) },
          token: 2 ** 40,
          mediaType: undefined
        }
      }
    },
    {
      name: 'files.open',
      request: {
        path: '/data/x',
        mode: { read: true, write: false, create: true, exclusive: false, truncate: true }
      }
    },
    {
      name: 'http-client.request',
      request: {
        request: {
          method: 'GET',
          url: 'https://example.org/',
          headers: [
            { name: 'accept', value: '*/*' },
            { name: 'x-long', value: 'a'.repeat(40) }
          ],
          content: new Uint8Array(),
          timeout: 70_000,
          redirectsMax: 3
        }
      }
    },
    { name: 'files.list-directory', request: { path: '/data', after: 'a', limit: 10 } },
    { name: 'kv.get', request: { key: 'none' } },
    { name: 'clock.now', request: {} },
    { name: 'locks.release', request: { lock: 5 } },
    {
      name: 'log.write',
      request: { level: 'warning', message: 'entries 3, size 4294967301, failure 9 gone' }
    },
    { name: 'timers.cancel', request: { timer: 77 } }
  ]

  const entry = (name: string, size: number) => ({ name, kind: 'file', size, modified: undefined })
  const host: GuestHost = ({ name }) => {
    switch (name) {
      case 'files.write-file':
        return { reply: new Uint8Array(32).fill(1) }
      case 'files.open':
        return { reply: { handle: 3, size: 0, version: undefined } }
      case 'http-client.request':
        return { reply: { status: 204, headers: [], content: new Uint8Array(), rest: undefined } }
      case 'files.list-directory':
        return {
          reply: {
            entries: [entry('a', 5), entry('b', 2 ** 32), { ...entry('c', 0), modified: 7 }],
            next: 'c'
          }
        }
      case 'kv.get':
        return { reply: undefined }
      case 'clock.now':
        return { reply: { now: 1_795_000_000_000_000, monotonic: 1 } }
      case 'locks.release':
        return { status: hostStatus.revoked, text: encodeExplanation('gone') }
      default:
        return { reply: undefined }
    }
  }

  const languages = [
    ['assemblyscript', 'app.ts', 'guest.as'],
    ['c', 'app.c', 'guest.c'],
    ['rust', 'src/lib.rs', 'guest.rs']
  ] as const
  for (const [template, target, fixture] of languages) {
    const isThere = toolchains[template] !== undefined
    const title = `${template}: every shape of value goes both ways`
    test.skipIf(!isThere)(
      isThere ? title : `${title} (needs ${needs[template] ?? ''})`,
      { timeout: 120_000 },
      () => {
        const files = createProject({ template, name: 'guest', sdk })
        files.set(target, readFileSync(new URL(`fixtures/${fixture}`, import.meta.url), 'utf8'))
        const directory = write(`guest-${template}`, files)
        build(template, parseManifestSource(files.get('app.json') ?? '').build ?? '', directory)
        const guest = new Guest(new Uint8Array(readFileSync(join(directory, 'app.wasm'))), host)
        for (let round = 0; round < 3; round++) {
          guest.calls.length = 0
          guest.send('timer', { tick: { timer: 77, missed: 0 } })
          expect(guest.calls).toEqual(expected)
        }
        expect(guest.send('migrate', { fromVersion: 2 })).toEqual({ kind: 'error', value: 'from 2' })
        expect(guest.send('http', request('/later'))).toEqual({ kind: 'later' })
        const question = { question: 1, outcome: { kind: 'declined' as const } }
        guest.calls.length = 0
        guest.send('granted', { answer: question })
        expect(guest.calls).toEqual([{ name: 'log.write', request: { level: 'info', message: 'outcome 1' } }])
      }
    )
  }
})
