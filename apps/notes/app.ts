/**
 * Notes: lists, reads, writes, removes and searches short texts, and tells open pages of changes. Whoever makes a change,
 * this page, another one or a program that writes into the folder, it comes back through one watch.
 *
 *   GET    /api/notes?query=…   {"total":2,"notes":[{"id","title","excerpt","modified","version"}…]}
 *   POST   /api/notes           text → 201, its id and version
 *   GET    /api/notes/<id>      text, with its version as entity tag
 *   PUT    /api/notes/<id>      text; with `if-match` only over that version, else 412
 *   DELETE /api/notes/<id>      204
 *   GET    /api/changes         text/event-stream: `event: changed`, `data: <id>`
 */
import {
  App,
  Changes,
  Expectation,
  Failure,
  Header,
  HttpAnswer,
  IncomingRequest,
  Launch,
  Response,
  ResponseBody,
  Tick,
  WriteOptions,
  clock,
  explanation,
  files,
  httpServer,
  log,
  LogLevel,
  random,
  run,
  status,
  watch
} from '../../packages/app-sdk/assemblyscript/blocktree'
import { parameter, quote } from './json'
import { LivePages, bytesOf } from './live'
import { Note, hexadecimal, idOf, isId, noteBytesMax, pathOf } from './note'
import { Shelf } from './shelf'
export { bt_abi_version, bt_alloc, bt_event } from '../../packages/app-sdk/assemblyscript/blocktree'

const listedMax = 500
const prefix = '/api/notes/'

class Notes extends App {
  private shelf: Shelf = new Shelf()
  private live: LivePages = new LivePages()

  init(launch: Launch): string | null {
    if (watch.start('/data', true) == 0) return 'its folder cannot be watched: ' + explanation
    return this.shelf.load() ? null : 'its folder cannot be listed: ' + explanation
  }

  changed(changes: Changes): void {
    if (changes.overrun) {
      this.shelf.load()
      return this.live.tell('')
    }
    for (let index = 0; index < changes.changes.length; index++) {
      const id = idOf(changes.changes[index].path)
      this.shelf.refresh(id)
      if (id.length > 0) this.live.tell(id)
    }
  }

  timer(tick: Tick): void {
    this.live.beat(tick)
  }

  stop(): void {
    this.live.close()
  }

  http(request: IncomingRequest): HttpAnswer {
    const method = request.method
    const path = request.path
    const isRead = method == 'GET' || method == 'HEAD'
    if (path == '/api/notes') {
      if (isRead) return this.list(parameter(request.query, 'query'))
      return method == 'POST' ? this.create(request) : refuse(405, 'use GET or POST')
    }
    if (path == '/api/changes' && method == 'GET') {
      return this.live.open(request.request) ? HttpAnswer.ofLater() : refuse(503, 'too many open pages')
    }
    if (!path.startsWith(prefix)) return refuse(404, 'there is no such path')
    const id = path.substring(prefix.length)
    if (!isId(id)) return refuse(404, 'there is no such note')
    if (isRead) return this.read(id)
    if (method == 'PUT') return this.write(id, request)
    return method == 'DELETE' ? this.remove(id) : refuse(405, 'use GET, PUT or DELETE')
  }

  /** Notes are held in memory: whether they may still be shown is asked of the node. */
  private mayRead(): bool {
    const isShown = files.listDirectory('/data', null, 1) != null || status == Failure.NotFound
    return isShown && this.shelf.isBehind ? this.shelf.load() : isShown
  }

  private list(query: string): HttpAnswer {
    if (!this.mayRead()) return failed('the notes are not shown')
    const found = this.shelf.search(query)
    const rows: string[] = []
    for (let index = 0; index < min(found.length, listedMax); index++) rows.push(rowOf(found[index]))
    const text = '{"total":' + this.shelf.size.toString() + ',"found":' + found.length.toString()
    return json(200, text + ',"notes":[' + rows.join(',') + ']}', null)
  }

  private read(id: string): HttpAnswer {
    if (!this.mayRead()) return failed('the note is not shown')
    const note = this.shelf.find(id)
    if (note == null) return refuse(404, 'there is no such note')
    const headers = [
      new Header('content-type', 'text/plain; charset=utf-8'),
      new Header('cache-control', 'no-store'),
      new Header('etag', '"' + note.version + '"')
    ]
    return HttpAnswer.ofNow(new Response(200, headers, ResponseBody.ofContent(bytesOf(note.text))))
  }

  private create(request: IncomingRequest): HttpAnswer {
    if (this.shelf.isFull) return refuse(507, 'there are as many notes as this app keeps')
    const seed = random.bytes(10)
    if (seed == null) return failed('no identifier')
    return this.store(hexadecimal(seed), request, Expectation.ofAbsent(), 201)
  }

  private write(id: string, request: IncomingRequest): HttpAnswer {
    const tag = headerOf(request, 'if-match')
    if (tag == null) return this.store(id, request, Expectation.ofAnything(), 200)
    const version = versionOf(tag)
    if (version == null) return refuse(412, 'the note is another one by now')
    return this.store(id, request, Expectation.ofVersion(version), 200)
  }

  private store(id: string, request: IncomingRequest, expected: Expectation, code: u32): HttpAnswer {
    const content = bodyOf(request)
    if (content == null) return refuse(413, 'a note has at most 256 KiB')
    const options = new WriteOptions(expected, -1, 'text/plain; charset=utf-8')
    const version = files.writeFile(pathOf(id), content, options)
    if (version == null) {
      const isOther = status == Failure.Conflict || status == Failure.NotFound || status == Failure.Exists
      return isOther ? refuse(412, 'the note is another one by now') : failed('the note was not stored')
    }
    const time = clock.now()
    const modified: u64 = time == null ? 0 : time.now
    const note = new Note(id, String.UTF8.decode(content.buffer), modified, hexadecimal(version), false)
    this.shelf.put(note)
    return json(code, rowOf(note), note.version)
  }

  private remove(id: string): HttpAnswer {
    if (!files.remove(pathOf(id), false, Expectation.ofAnything()) && status != Failure.NotFound) {
      return failed('the note was not removed')
    }
    this.shelf.remove(id)
    return HttpAnswer.ofNow(new Response(204, [], ResponseBody.ofEmpty()))
  }
}

function rowOf(note: Note): string {
  const milliseconds = note.modified / 1000
  return (
    '{"id":' +
    quote(note.id) +
    ',"title":' +
    quote(note.title) +
    ',"excerpt":' +
    quote(note.excerpt) +
    ',"modified":' +
    milliseconds.toString() +
    ',"version":' +
    quote(note.version) +
    (note.isConflicted ? ',"conflict":true}' : '}')
  )
}

/** The whole body; null when it is larger than a note may be, or was cut off. */
function bodyOf(request: IncomingRequest): Uint8Array | null {
  let body = request.content
  let isMore: bool = request.more
  while (isMore) {
    if (body.length > noteBytesMax) return null
    const part = httpServer.read(request.request, noteBytesMax)
    if (part == null) return null
    const whole = new Uint8Array(body.length + part.content.length)
    whole.set(body)
    whole.set(part.content, body.length)
    body = whole
    isMore = !part.last
  }
  return body.length > noteBytesMax ? null : body
}

/** 64 hexadecimal digits between quotes as 32 bytes; null for anything else. */
function versionOf(tag: string): Uint8Array | null {
  if (tag.length != 66 || !tag.startsWith('"') || !tag.endsWith('"')) return null
  const version = new Uint8Array(32)
  for (let index = 0; index < 32; index++) {
    const value = parseInt(tag.substring(1 + 2 * index, 3 + 2 * index), 16)
    if (isNaN(value)) return null
    version[index] = <u8>value
  }
  return version
}

function headerOf(request: IncomingRequest, name: string): string | null {
  for (let index = 0; index < request.headers.length; index++) {
    if (request.headers[index].name == name) return request.headers[index].value
  }
  return null
}

function json(code: u32, text: string, version: string | null): HttpAnswer {
  const headers = [new Header('content-type', 'application/json'), new Header('cache-control', 'no-store')]
  if (version != null) headers.push(new Header('etag', '"' + version + '"'))
  return HttpAnswer.ofNow(new Response(code, headers, ResponseBody.ofContent(bytesOf(text))))
}

function refuse(code: u32, problem: string): HttpAnswer {
  return json(code, '{"problem":' + quote(problem) + '}', null)
}

/** For the log in the words of the node; a page needs no more than that it failed, and why in general. */
function failed(problem: string): HttpAnswer {
  const cause = status // of the call that failed, before the next one
  log.write(LogLevel.Error, problem + ': ' + explanation)
  const isRefused = cause == Failure.Denied || cause == Failure.Revoked
  if (isRefused) return refuse(403, problem + ': the permission was taken back')
  if (cause == Failure.NoSpace) return refuse(507, problem + ': there is no room left')
  return refuse(503, problem + '; try again')
}

run(new Notes())
