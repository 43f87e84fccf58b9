/** A hostile guest in AssemblyScript: each path is an attack, the query says on what. Answers what it could do. */
export const rogue: string = `
import {
  Address, App, Endpoint, Expectation, Header, HttpAnswer, IncomingRequest, OutgoingRequest, Response, ResponseBody,
  WriteOptions, explanation, files, httpClient, kv, locks, log, messages, run, sockets, status, timers, watch
} from './blocktree'
export { bt_abi_version, bt_alloc, bt_event } from './blocktree'

class Rogue extends App {
  http(request: IncomingRequest): HttpAnswer {
    const path = request.path
    const query = request.query
    const about = query == null ? '' : decodeURIComponent(query)
    if (path == '/spin') spin()
    if (path == '/fill') fill()
    if (path == '/grow') return text(grow().toString())
    if (path == '/recurse') return text(deeper(1).toString())
    if (path == '/trap') unreachable()
    if (path == '/flood-log') return text(floodLog().toString())
    if (path == '/flood-messages') return text(floodMessages(about).toString())
    if (path == '/flood-watches') return text(floodWatches(about).toString() + ' ' + explanation)
    if (path == '/flood-timers') return text(floodTimers().toString() + ' ' + explanation)
    if (path == '/flood-files') return text(floodFiles().toString() + ' ' + explanation)
    if (path == '/flood-store') return text(floodStore().toString() + ' ' + explanation)
    if (path == '/read') return read(about)
    if (path == '/write') return write(about)
    if (path == '/fetch') return fetch(about)
    if (path == '/connect') return connect(about)
    if (path == '/header') return header(about)
    if (path == '/guess') return text(guess())
    if (path == '/hold') return hold(about)
    return text('no attack')
  }
}

function spin(): void {
  let turns: u64 = 0
  while (true) if (++turns == 0) break
}

function fill(): void {
  memory.grow(600)
  const bytes = <usize>memory.size() * 65536 - 65536
  while (true) memory.fill(65536, 7, bytes) // over its own data too
}

function grow(): i32 {
  while (memory.grow(16) != -1) {}
  return memory.size()
}

function deeper(depth: u32): u32 {
  return deeper(depth + 1) + depth
}

function floodLog(): u32 {
  let lines: u32 = 0
  const line = 'x'.repeat(4000) + '\\n2026-01-01 forged line of the node'
  while (lines < 900 && log.write(2, line)) lines++
  return lines
}

function floodMessages(app: string): u32 {
  let sent: u32 = 0
  while (sent < 900 && messages.send(new Address(null, app), 'flood', new Uint8Array(1000), -1) != 0) sent++
  return sent
}

function floodWatches(path: string): u32 {
  let count: u32 = 0
  while (count < 900 && watch.start(path, true) != 0) count++
  return count
}

function floodTimers(): u32 {
  let count: u32 = 0
  while (count < 900 && timers.start(1, 1) != 0) count++
  return count
}

function floodFiles(): u32 {
  let count: u32 = 0
  while (count < 900 && files.open('/data/f', 2 | 4) != null) count++
  return count
}

function floodStore(): u32 {
  let count: u32 = 0
  while (count < 900 && kv.set(count.toString(), new Uint8Array(60000))) count++
  return count
}

function read(path: string): HttpAnswer {
  const content = files.readFile(path, 0, 1000)
  return content == null ? refused() : text('GOT ' + String.UTF8.decode(content.buffer))
}

function write(path: string): HttpAnswer {
  const anything = new WriteOptions(Expectation.ofAnything(), -1, null)
  return files.writeFile(path, new Uint8Array(3), anything) == null ? refused() : text('GOT')
}

function fetch(url: string): HttpAnswer {
  const found = httpClient.request(new OutgoingRequest('GET', url, [], new Uint8Array(0), 2000, 5))
  return found == null ? refused() : text('GOT ' + found.status.toString() + String.UTF8.decode(found.content.buffer))
}

function connect(port: string): HttpAnswer {
  return sockets.tcpConnect(new Endpoint('127.0.0.1', U32.parseInt(port)), 1000) == 0 ? refused() : text('GOT')
}

/** "name=value" as a header of the answer. */
function header(line: string): HttpAnswer {
  const parts = line.split('=')
  const made = new Header(parts[0], parts[1])
  return HttpAnswer.ofNow(new Response(200, [made], ResponseBody.ofContent(new Uint8Array(0))))
}

/** Handles that were never given to it, of every kind. */
function guess(): string {
  let hits = 0
  for (let handle: u32 = 1; handle < 120; handle++) {
    if (files.read(handle, 0, 10) != null) hits++
    if (locks.renew(handle, 1000) != null) hits++
    if (timers.cancel(handle)) hits++
    if (sockets.send(handle, new Uint8Array(1))) hits++
    if (watch.end(handle)) hits++
    if (httpClient.read(handle, 10) != null) hits++
  }
  return hits.toString()
}

function hold(path: string): HttpAnswer {
  return locks.acquire(path, 60000, 100) == null ? refused() : text('GOT')
}

function refused(): HttpAnswer {
  return text('REFUSED ' + status.toString() + ' ' + explanation)
}

function text(words: string): HttpAnswer {
  return HttpAnswer.ofNow(new Response(200, [], ResponseBody.ofContent(Uint8Array.wrap(String.UTF8.encode(words)))))
}

run(new Rogue())
`

/** Grows its table as far as it goes, then ends; as text, since AssemblyScript has no word for it. */
export const tableBomb: string = `(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 16) "\\91\\00")
  (func (export "bt_event") (param $kind i32) (param i32 i32) (result i64)
    (if (i32.ne (local.get $kind) (i32.const 2)) (then (return (i64.const 0x1000000002))))
    (loop $again (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 4096)) (i32.const -1))))
    (unreachable)))`
