/** The vectors of the specification, read as a stranger would: from the JSON files alone. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  CanonicalReader,
  decodeEnvelope,
  encodeEnvelope,
  formatId,
  parseId,
  signInput
} from '@blocktree/codec'
import { type SubsetValue, encodeValue, fromHex, readValue, toHex } from './subset-value.ts'

interface VectorCase {
  comment: string
  value: unknown
  bytes: string
  head?: string
  length?: number
  error: string
  id: string
  text: string
  type: number
  format: number
  signer: string
  body: string
  signature: string
  signInput: string
  recordId: string
}

function load(name: string): Record<string, VectorCase[]> {
  const file = new URL(`../../../doc/spec/vectors/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).groups
}

function decode(bytes: Uint8Array): SubsetValue {
  const reader = new CanonicalReader(bytes)
  const value = readValue(reader)
  reader.end()
  return value
}

/** The value that the JSON spelling of a vector stands for. */
function valueOf(shown: unknown): SubsetValue {
  if (Array.isArray(shown)) return shown.map(valueOf)
  if (shown === null || typeof shown !== 'object') return shown as SubsetValue
  if ('bin' in shown) return fromHex(String(shown.bin))
  const { repeat, count } = shown as { repeat: string; count: number }
  if (repeat === 'text') return 'a'.repeat(count)
  return repeat === 'byte' ? new Uint8Array(count) : Array.from({ length: count }, () => null)
}

describe('doc/spec/vectors/encoding.json', () => {
  const { accept = [], refuse = [], identifiers = [], refusedIdentifiers = [] } = load('encoding')

  test.each(accept)('accepts: $comment', ({ value, bytes, head, length }) => {
    const encoded = encodeValue(valueOf(value))
    if (head !== undefined) {
      expect(toHex(encoded.subarray(0, 8))).toBe(head)
      expect(encoded.length).toBe(length)
    } else expect(toHex(encoded)).toBe(bytes)
    expect(decode(encoded)).toEqual(valueOf(value))
  })

  test.each(refuse)('refuses: $comment', ({ bytes, error }) => {
    expect(() => decode(fromHex(bytes))).toThrow(expect.objectContaining({ code: error }))
  })

  test.each(identifiers)('writes identifiers: $comment', ({ id, text }) => {
    expect(formatId(fromHex(id))).toBe(text)
    expect(toHex(parseId(text))).toBe(id)
  })

  test.each(refusedIdentifiers)('refuses identifiers: $comment', ({ text, error }) => {
    expect(() => parseId(text)).toThrow(expect.objectContaining({ code: error }))
  })
})

describe('doc/spec/vectors/envelope.json', () => {
  const { accept = [], refuse = [] } = load('envelope')

  test.each(accept)('accepts: $comment', (row) => {
    const envelope = decodeEnvelope(fromHex(row.bytes))
    expect(envelope.type).toBe(row.type)
    expect(envelope.format).toBe(row.format)
    expect(toHex(envelope.signer)).toBe(row.signer)
    expect(toHex(envelope.body)).toBe(row.body)
    expect(toHex(envelope.signature)).toBe(row.signature)
    expect(toHex(encodeEnvelope(envelope))).toBe(row.bytes)
    expect(toHex(signInput(envelope))).toBe(row.signInput)
    expect(createHash('sha256').update(signInput(envelope)).digest('hex')).toBe(row.recordId)
  })

  test.each(refuse)('refuses: $comment', ({ bytes, length, error }) => {
    const input = length !== undefined ? new Uint8Array(length) : fromHex(bytes)
    expect(() => decodeEnvelope(input)).toThrow(expect.objectContaining({ code: error }))
  })
})
