/** The vectors of pages 17, 18 and 20, read as a stranger would: from the JSON files alone. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type Host,
  currentAppGrant,
  decodeAppGrant,
  hostEvents,
  hostOperations,
  isWithin,
  matchOrigin,
  parseOrigin,
  readPackage,
  verifyAppGrant,
  verifyPrincipal
} from '@blocktree/app-package'
import { crypto, refusal } from './author-fixture.ts'

type Case = Record<string, any> & { comment: string } // oxlint-disable-line typescript/no-explicit-any -- JSON

function load(name: string): Record<string, Case[]> {
  const file = new URL(`../../../doc/spec/vectors/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).groups
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}

describe('doc/spec/vectors/app-package.json', () => {
  const { accept = [], refuse = [], origins = [] } = load('app-package')

  test.each(accept)('accepts: $comment', ({ bytes, author, appId, releaseId, contents, manifest }) => {
    const opened = readPackage(crypto, bytesOf(bytes))
    expect([opened.author.id, opened.appId, opened.releaseId].map(hex)).toEqual([author, appId, releaseId])
    const found = [opened.module, ...opened.assets.values()]
    expect(found.map((content) => hex(crypto.sha256(content)))).toEqual(contents)
    expect([opened.manifest.name, opened.manifest.version]).toEqual([manifest[1], manifest[2]])
  })

  test.each(refuse)('refuses: $comment', ({ bytes, error }) => {
    expect(refusal(() => readPackage(crypto, bytesOf(bytes)))).toBe(error)
  })

  test.each(origins)('origins: $comment', ({ pattern, origin, match }) => {
    expect(matchOrigin(pattern, parseOrigin(origin)) ?? null).toBe(match)
  })
})

describe('doc/spec/vectors/app-grants.json', () => {
  const { owner = [], accept = [], refuse = [], current = [], within = [] } = load('app-grants')
  const principal = verifyPrincipal(crypto, bytesOf(owner[0]?.['bytes'] ?? ''))

  test.each(accept)('accepts: $comment', ({ bytes, signer, recordId, body }) => {
    const record = verifyAppGrant(crypto, bytesOf(bytes), principal)
    expect([record.signer, record.id].map(hex)).toEqual([signer, recordId])
    expect([record.grant.installedAs, record.grant.sequence]).toEqual([body[2], body[9]])
  })

  test.each(refuse)('refuses: $comment', ({ bytes, error }) => {
    expect(refusal(() => verifyAppGrant(crypto, bytesOf(bytes), principal))).toBe(error)
  })

  test.each(current)('which counts: $comment', ({ records, counts }) => {
    const decoded = (records as string[]).map((bytes) => decodeAppGrant(crypto, bytesOf(bytes)))
    expect(currentAppGrant(decoded)).toBe(decoded[counts])
  })

  test.each(within)('within: $comment', ({ inner, outer, within }) => {
    expect(isWithin(inner, outer)).toBe(within)
  })
})

describe('doc/spec/vectors/app-interface.json', () => {
  const { operations = [], events = [], refuse = [] } = load('app-interface')
  const all: Readonly<Record<string, unknown>> = { ...hostOperations, ...hostEvents }

  test.each([...operations, ...events])('$name, $part: $comment', ({ name, number, part, bytes }) => {
    const codec = all[name] as Host.CallCodec<unknown, unknown> & { op?: number; event?: number }
    expect(codec.op ?? codec.event).toBe(number)
    const input = bytesOf(bytes)
    const again =
      part === 'request'
        ? codec.encodeRequest(codec.decodeRequest(input))
        : codec.encodeReply(codec.decodeReply(input))
    expect(hex(again)).toBe(bytes)
  })

  test.each(refuse)('$name refuses: $comment', ({ name, bytes, error }) => {
    const codec = all[name] as Host.CallCodec<unknown, unknown>
    expect(() => codec.decodeRequest(bytesOf(bytes))).toThrow(expect.objectContaining({ code: error }))
  })
})
