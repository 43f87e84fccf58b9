/** Apps that tests build: written in AssemblyScript, compiled by `blocktree app build` with the compiler of the project. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workplace } from './running-node.ts'

/** Reads `/shared/<name>` of a granted folder, keeps a note of its own, counts its visits, asks for a folder, and crashes. */
export const reader = `
import {
  App, Expectation, FileQuestion, HttpAnswer, IncomingRequest, Response, ResponseBody, WriteOptions, explanation, files,
  grants, kv, run
} from './blocktree'
export { bt_abi_version, bt_alloc, bt_event } from './blocktree'

class Reader extends App {
  http(request: IncomingRequest): HttpAnswer {
    if (request.path == '/api/visits') return text(200, kv.increment('visits', 1).toString())
    if (request.path == '/api/keep') {
      const anything = new WriteOptions(Expectation.ofAnything(), -1, null)
      const kept = files.writeFile('/data/note.txt', Uint8Array.wrap(String.UTF8.encode('kept')), anything)
      return text(kept == null ? 500 : 200, explanation)
    }
    if (request.path == '/api/note') return file('/data/note.txt')
    if (request.path == '/api/ask') {
      const question = grants.ask(new FileQuestion('later', 0, 9, 'to read more')) // a folder, to read and list
      return text(question == 0 ? 500 : 200, explanation)
    }
    if (request.path == '/api/later') return file('/later/hello.txt')
    if (request.path == '/api/crash') unreachable()
    return file('/shared/' + request.path.substring(5))
  }
  //MORE
}

function file(path: string): HttpAnswer {
  const content = files.readFile(path, 0, 1000)
  if (content == null) return text(403, explanation)
  return HttpAnswer.ofNow(new Response(200, [], ResponseBody.ofContent(content)))
}

function text(status: u16, words: string): HttpAnswer {
  return HttpAnswer.ofNow(new Response(status, [], ResponseBody.ofContent(Uint8Array.wrap(String.UTF8.encode(words)))))
}

run(new Reader())
`

const manifest = {
  name: 'reader',
  version: 1,
  title: 'Reader',
  description: 'Reads a folder.',
  licence: 'MIT',
  build: 'npx asc app.ts -O --runtime incremental --use abort= --exportStart _initialize -o app.wasm',
  module: 'app.wasm',
  assets: 'web',
  routes: [{ path: '/', assets: '', index: 'index.html' }, { path: '/api/' }]
}

function permissionsWith(rights: readonly string[]): readonly object[] {
  return [
    {
      name: 'data',
      kind: 'files',
      object: 'own',
      rights: ['read', 'write', 'create'],
      reason: 'Keeps a note'
    },
    { name: 'shared', kind: 'files', object: 'folder', rights, optional: true, reason: 'Shows your letters' },
    { name: 'web', kind: 'http-server', reason: 'Shows its page' }
  ]
}

/** Writes, builds and packs a version. @returns the package file */
export async function packVersion(
  place: Workplace,
  project: string,
  {
    version,
    more = '',
    rights = ['read', 'list']
  }: {
    readonly version: number
    readonly more?: string
    /** To the folder. */
    readonly rights?: readonly string[]
  }
): Promise<string> {
  writeFileSync(join(project, 'app.ts'), reader.replace('//MORE', more))
  writeFileSync(
    join(project, 'app.json'),
    JSON.stringify({ ...manifest, version, permissions: permissionsWith(rights) })
  )
  const file = join(place.path, `reader-${version}.blocktree`)
  for (const words of [
    ['build', project],
    ['pack', project, '--out', file]
  ]) {
    const { code, stderr } = await place.run(['app', ...words])
    if (code !== 0) throw new Error(`app ${words.join(' ')}: ${stderr}`)
  }
  return file
}

export function flipByte(file: string, at: number): Uint8Array {
  const bytes = readFileSync(file)
  bytes[bytes.length + at] = (bytes.at(at) ?? 0) ^ 1
  return bytes
}
