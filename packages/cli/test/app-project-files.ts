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

/** Sends a message to another app when it is asked to, answers those it gets, and shows the last one and the last reply. */
const talker = `
import {
  Address, App, HttpAnswer, IncomingMessage, IncomingRequest, Response, ResponseBody, explanation, messages, run
} from './blocktree'
export { bt_abi_version, bt_alloc, bt_event } from './blocktree'

class Talker extends App {
  last: string = ''
  reply: string = ''
  http(request: IncomingRequest): HttpAnswer {
    if (request.path == '/api/last') return text(200, this.last)
    if (request.path == '/api/reply') return text(200, this.reply)
    const parts = request.path.split('/') // /api/send/<node as hex>/<app>/<text>
    const node = new Uint8Array(32)
    for (let i = 0; i < 32; i++) node[i] = <u8>parseInt(parts[3].substr(2 * i, 2), 16)
    const sent = messages.send(new Address(node, parts[4]), 'talk', bytes(parts[5]), 60000)
    return text(sent == 0 ? 502 : 200, explanation)
  }
  message(message: IncomingMessage): void {
    const said = String.UTF8.decode(message.content.slice().buffer)
    if (message.inReplyTo >= 0) this.reply = said
    else this.last = said
    if (message.replyHandle >= 0) messages.reply(<u32>message.replyHandle, bytes('heard ' + said))
  }
}

function bytes(words: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(words))
}

function text(status: u16, words: string): HttpAnswer {
  return HttpAnswer.ofNow(new Response(status, [], ResponseBody.ofContent(bytes(words))))
}

run(new Talker())
`

/** @returns the package file */
export async function packTalker(place: Workplace): Promise<string> {
  const project = join(place.path, 'talker')
  const file = join(place.path, 'talker.blocktree')
  const permissions = [
    { name: 'web', kind: 'http-server', reason: 'Shows its page' },
    { name: 'talk', kind: 'messages', send: ['*'], receive: true, otherNodes: true, reason: 'Talks' }
  ]
  const made = await place.run(['app', 'new', project, '--title', 'Talker'])
  if (made.code !== 0) throw new Error(made.stderr)
  writeFileSync(join(project, 'app.ts'), talker)
  writeFileSync(
    join(project, 'app.json'),
    JSON.stringify({ ...manifest, name: 'talker', title: 'Talker', permissions })
  )
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
