/** Vectors of doc/spec/20-app-interface.md: requests and replies of operations and events, and what is refused. */
import { CodecError } from '@blocktree/codec'
import { hostEvents, hostOperations } from '@blocktree/app-package'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const text = (words: string): Uint8Array => new TextEncoder().encode(words)

export function generateVectors(): VectorPage {
  return {
    name: 'app-interface',
    specification: 'doc/spec/20-app-interface.md',
    comment:
      'operations, events: `number` of the call, whether these are the bytes of its request or reply, the value in plain JSON (fields by the ' +
      'names of blocktree.wit in camel case, byte strings as `{"bin": hex}`, an absent option as null), `bytes`. ' +
      'refuse: `bytes` are no request of the operation `name`; `error` is the code of this implementation.',
    groups: { operations: operationCases(), events: eventCases(), refuse: refuseCases() }
  }
}

function row(
  comment: string,
  [name, number]: readonly [string, number],
  part: string,
  value: unknown,
  bytes: Uint8Array
): VectorCase {
  return { comment, name, number, part, value: shown(value), bytes: hex(bytes) }
}

function shown(value: unknown): unknown {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return { bin: hex(value) }
  if (Array.isArray(value)) return value.map(shown)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]))
}

function operationCases(): VectorCase[] {
  const read = hostOperations['files.read-file']
  const write = hostOperations['files.write-file']
  const open = hostOperations['files.open']
  const fetch = hostOperations['http-client.request']
  const get = hostOperations['kv.get']
  const now = hostOperations['clock.now']
  const range = { path: '/data/a', offset: 256, length: 16 }
  const whole = {
    path: '/data/a',
    content: text('hi'),
    options: {
      expected: { kind: 'version' as const, value: filled(9) },
      token: 2 ** 40,
      mediaType: undefined
    }
  }
  const opened = {
    path: '/photos/b',
    mode: { read: true, write: false, create: true, exclusive: false, truncate: false }
  }
  const request = {
    request: {
      method: 'GET',
      url: 'https://api.example.org/weather?q=1',
      headers: [{ name: 'accept', value: 'application/json' }],
      content: new Uint8Array(),
      timeout: 5000,
      redirectsMax: 3
    }
  }
  const time = { now: 1_795_000_000_000_000, monotonic: 12 }
  return [
    row('parameters by position', [read.name, read.op], 'request', range, read.encodeRequest(range)),
    row('a byte list', [read.name, read.op], 'reply', text('hello'), read.encodeReply(text('hello'))),
    row(
      'a variant with a value, options',
      [write.name, write.op],
      'request',
      whole,
      write.encodeRequest(whole)
    ),
    row('flags', [open.name, open.op], 'request', opened, open.encodeRequest(opened)),
    row('a list of records', [fetch.name, fetch.op], 'request', request, fetch.encodeRequest(request)),
    row('an absent option', [get.name, get.op], 'reply', undefined, get.encodeReply(undefined)),
    row('no parameters', [now.name, now.op], 'request', {}, now.encodeRequest({})),
    row('a record', [now.name, now.op], 'reply', time, now.encodeReply(time))
  ]
}

function eventCases(): VectorCase[] {
  const { http, init, changed, stop } = hostEvents
  const request = {
    request: {
      request: 7,
      method: 'POST',
      path: '/api/notes',
      query: 'a=1',
      headers: [{ name: 'content-type', value: 'text/plain' }],
      content: text('milk'),
      more: false,
      client: undefined
    }
  }
  const now = {
    kind: 'now' as const,
    value: { status: 200, headers: [], body: { kind: 'content' as const, value: text('ok') } }
  }
  const later = { kind: 'later' as const }
  const ok = { kind: 'ok' as const, value: undefined }
  const failed = { kind: 'error' as const, value: 'no data' }
  const changes = {
    changes: { watch: 3, changes: [{ kind: 'created' as const, path: '/data/x' }], overrun: false }
  }
  return [
    row('a request', [http.name, http.event], 'request', request, http.encodeRequest(request)),
    row('an answer', [http.name, http.event], 'reply', now, http.encodeReply(now)),
    row('an answer later', [http.name, http.event], 'reply', later, http.encodeReply(later)),
    row('success without a value', [init.name, init.event], 'reply', ok, init.encodeReply(ok)),
    row('failure', [init.name, init.event], 'reply', failed, init.encodeReply(failed)),
    row('changes', [changed.name, changed.event], 'request', changes, changed.encodeRequest(changes)),
    row('no parameters', [stop.name, stop.event], 'request', {}, stop.encodeRequest({}))
  ]
}

function refuseCases(): VectorCase[] {
  const cases: readonly [string, keyof typeof hostOperations, string][] = [
    ['a field too many', 'files.read-file', '94a161000000'],
    ['a field too few', 'files.read-file', '92a16100'],
    ['a map', 'files.read-file', '83a161a1610000'],
    ['a number in a longer form', 'files.read-file', '93a161cc0100'],
    ['a negative number', 'files.read-file', '93a161ff00'],
    ['a number above its width', 'files.read-file', '93a16100cf0000000100000000'],
    ['text longer than the input', 'files.read-file', '93dbffffffff61'],
    ['an extension', 'files.read-file', '93d401000000'],
    ['bytes after the end', 'files.read-file', '93a161000000'],
    ['a byte where none belongs', 'clock.now', '90'],
    ['an unknown flag', 'files.open', '92a16120'],
    ['an unknown case', 'log.write', '9204a161'],
    ['a variant without its value', 'files.remove', '93a161c29102'],
    ['a variant with a value where none belongs', 'files.remove', '93a161c2920000']
  ]
  return cases.map(([comment, name, bytes]) => ({
    comment,
    name,
    bytes,
    error: refusal(() => hostOperations[name].decodeRequest(new Uint8Array(Buffer.from(bytes, 'hex'))))
  }))
}

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
