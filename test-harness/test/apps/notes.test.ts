/** Notes in a real node, over HTTP: what its page does with it stands in notes-page.test.ts. */
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '@blocktree/harness'
import type { InstalledApp } from '../../src/installed-app.ts'
import { type AppNode, startAppNode } from './app-fixture.ts'

let home: AppNode
let notes: InstalledApp

interface Row {
  readonly id: string
  readonly title: string
  readonly excerpt: string
  readonly modified: number
  readonly version: string
}

beforeAll(async () => {
  home = await startAppNode()
  notes = await home.install('notes')
})
afterAll(() => home[Symbol.asyncDispose]())

async function write(
  text: string,
  path = '/api/notes',
  headers = {}
): Promise<Row & { readonly status: number }> {
  const method = path === '/api/notes' ? 'POST' : 'PUT'
  const { status, text: answer } = await notes.ask(path, { method, body: text, headers })
  const row: Row = JSON.parse(answer)
  return { ...row, status }
}

async function search(query: string): Promise<readonly string[]> {
  const { text } = await notes.ask(`/api/notes?query=${encodeURIComponent(query)}`)
  const { notes: found }: { readonly notes: readonly Row[] } = JSON.parse(text)
  return found.map(({ title }) => title)
}

/** What comes over the stream of changes, until `close`. */
async function follow(): Promise<{
  readonly ids: string[]
  readonly answer: IncomingMessage
  close(): void
}> {
  const answer = await notes.open('/api/changes')
  const ids: string[] = []
  answer.on('data', (part: Buffer) => {
    for (const match of part.toString().matchAll(/^data: (.*)$/gm)) ids.push(match[1] ?? '')
  })
  return { ids, answer, close: () => answer.destroy() }
}

describe('notes', () => {
  test('shows its page and says where it may load from', async () => {
    const page = await notes.ask('/')
    expect(page.status).toBe(200)
    expect(page.text).toContain('<title>Notes</title>')
    expect(page.text).not.toMatch(/<script>|onclick=/)
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    expect((await notes.ask('/page.js')).headers['content-type']).toContain('text/javascript')
  })

  test('keeps a note as a text file that its owner can read', async () => {
    const made = await write('Milk & "bread"\nat  the\tmarket\n🥖')
    expect(made).toMatchObject({ status: 201, title: 'Milk & "bread"', excerpt: 'at the market 🥖' })
    const file = `/apps/notes/data/files/${made.id}.txt`
    const { data } = await home.node.call('file.read', { path: file })
    expect(new TextDecoder().decode(data)).toBe('Milk & "bread"\nat  the\tmarket\n🥖')
    const read = await notes.ask(`/api/notes/${made.id}`)
    expect(read.headers['etag']).toBe(`"${made.version}"`)
    expect(read.text).toBe('Milk & "bread"\nat  the\tmarket\n🥖')
  })

  test('changes a note over the version that was read, and over no other', async () => {
    const first = await write('one')
    const path = `/api/notes/${first.id}`
    const second = await write('two', path, { 'if-match': `"${first.version}"` })
    expect(second).toMatchObject({ status: 200, title: 'two' })
    expect(await write('late', path, { 'if-match': `"${first.version}"` })).toMatchObject({ status: 412 })
    expect(await write('odd', path, { 'if-match': 'what' })).toMatchObject({ status: 412 })
    expect((await notes.ask(path)).text).toBe('two')
  })

  test('finds notes in which every word occurs, in whatever case and script', async () => {
    await write('Ferien\nÜber die Alpen nach Süden')
    await write('Alpen\nnur ein Wort')
    expect(await search('alpen')).toEqual(['Alpen', 'Ferien'])
    expect(await search('über ALPEN')).toEqual(['Ferien'])
    expect(await search('a%26+b')).toEqual([])
  })

  test('removes a note', async () => {
    const { id } = await write('gone soon')
    expect((await notes.ask(`/api/notes/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await notes.ask(`/api/notes/${id}`)).status).toBe(404)
    expect(await search('gone soon')).toEqual([])
  })

  test('tells an open page of changes, also of those made in its folder', async () => {
    const live = await follow()
    expect(live.answer.headers['content-type']).toBe('text/event-stream')
    const { id } = await write('live')
    await waitFor(() => live.ids.includes(id), { description: 'the change that a page made' })
    const path = '/apps/notes/data/files/by-hand.txt'
    await home.node.call('file.create', { path, data: new TextEncoder().encode('By hand\n…') })
    await waitFor(() => live.ids.includes('by-hand'), { description: 'the change in the folder' })
    expect(await search('by hand')).toEqual(['By hand'])
    live.close()
  })

  test('refuses what is too large, what has no such name and other methods', async () => {
    const large = await notes.ask('/api/notes', { method: 'POST', body: 'x'.repeat(300 * 1024) })
    expect(large.status).toBe(413)
    expect((await notes.ask('/api/notes/..%2fsecret')).status).toBeGreaterThanOrEqual(400)
    expect((await notes.ask('/api/notes/A_B')).status).toBe(404)
    expect((await notes.ask('/api/notes/x', { method: 'PATCH' })).status).toBe(405)
    expect(await write('x'.repeat(200 * 1024))).toMatchObject({ status: 201 })
  })

  test('has everything after the node was started again', async () => {
    const before = await search('')
    await home.node.restart()
    await notes.find()
    expect((await search('')).toSorted()).toEqual(before.toSorted())
  })

  test('says so, on the page and in its log, when its permission is taken back, and shows nothing more', async () => {
    const kept = await write('kept')
    await home.node.call('app.revoke', { name: 'notes', permission: 'data' })
    const refused = await notes.ask('/api/notes', { method: 'POST', body: 'no' })
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('the permission was taken back')
    // what the app says comes by its own way, beside the answer
    for (const words of ['the note was not stored', 'files.write-file was denied']) {
      const isLogged = async (): Promise<boolean> => {
        const { entries } = await home.node.call('app.logs', { name: 'notes' })
        return entries.some(({ message }) => message.includes(words))
      }
      await waitFor(isLogged, { description: `"${words}" in the log` })
    }
    for (const path of ['/api/notes', `/api/notes/${kept.id}`]) {
      const hidden = await notes.ask(path)
      expect(hidden.status).toBe(403)
      expect(hidden.text).not.toContain('kept')
    }
    await home.node.call('app.grant', { name: 'notes', permission: 'data' })
    expect((await notes.ask(`/api/notes/${kept.id}`)).text).toBe('kept')
  })
})
