/** Vectors of doc/spec/02-envelope.md: bytes, sign input, record id, and what is refused. */
import { createHash } from 'node:crypto'
import {
  type Envelope,
  CodecError,
  decodeEnvelope,
  encodeEnvelope,
  recordBytesMax,
  signInput
} from '@blocktree/codec'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

export function generateVectors(): VectorPage {
  return {
    name: 'envelope',
    specification: 'doc/spec/02-envelope.md',
    comment:
      'accept: the fields of an envelope, its `bytes`, the `signInput` and the `recordId`, which is the SHA-256 of the ' +
      'sign input. The signatures are arbitrary bytes: the envelope alone does not judge them. ' +
      'refuse: `bytes` are no envelope; `error` is the code of this implementation.',
    groups: { accept: acceptCases(), refuse: refuseCases() }
  }
}

function filled(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_unused, index) => (first + index) & 0xff)
}

function sample(changes: Partial<Envelope> = {}): Envelope {
  const body = new Uint8Array(Buffer.from('9301c40200ff90', 'hex'))
  return { type: 10, format: 1, signer: filled(32, 0), body, signature: filled(64, 0x80), ...changes }
}

function acceptCases(): VectorCase[] {
  const cases: readonly [string, Envelope][] = [
    ['a small body', sample()],
    ['an empty body', sample({ body: new Uint8Array() })],
    ['the highest type and format', sample({ type: 255, format: 255 })],
    ['another signature: same sign input, same record id', sample({ signature: filled(64, 0) })],
    ['a body in the 16-bit form', sample({ body: new Uint8Array(256) })],
    ['the body is opaque here: it need not decode', sample({ body: Uint8Array.of(0xc1) })]
  ]
  return cases.map(([comment, envelope]) => {
    const input = signInput(envelope)
    return {
      comment,
      type: envelope.type,
      format: envelope.format,
      signer: hex(envelope.signer),
      body: hex(envelope.body),
      signature: hex(envelope.signature),
      bytes: hex(encodeEnvelope(envelope)),
      signInput: hex(input),
      recordId: createHash('sha256').update(input).digest('hex')
    }
  })
}

function refuseCases(): VectorCase[] {
  const valid = hex(encodeEnvelope(sample()))
  const signer = hex(filled(32, 0))
  const edits: readonly [string, string][] = [
    ['another magic', valid.replace('a3627431', 'a3627432')],
    ['the magic as a byte string', valid.replace('a3627431', 'c403627431')],
    ['a shorter magic', valid.replace('a3627431', 'a26274')],
    ['an array of five', valid.replace(/^96/, '95')],
    ['an array of seven', valid.replace(/^96/, '97').concat('c0')],
    ['an array of six in the 16-bit form', valid.replace(/^96/, 'dc0006')],
    ['a type of 256', valid.replace('a36274310a', 'a3627431cd0100')],
    ['a type in the 8-bit form', valid.replace('a36274310a', 'a3627431cc0a')],
    ['a type that is nil', valid.replace('a36274310a', 'a3627431c0')],
    ['a signer of 31 bytes', valid.replace(`c420${signer}`, `c41f${signer.slice(2)}`)],
    ['a signer of 33 bytes', valid.replace(`c420${signer}`, `c42100${signer}`)],
    ['a signer that is text', valid.replace(`c420${signer}`, `d920${signer}`)],
    ['a body in the 16-bit form', valid.replace('c4079301', 'c500079301')],
    ['a signature of 63 bytes', valid.replace('c44080', 'c43f')],
    ['the last byte missing', valid.slice(0, -2)],
    ['a byte after the end', `${valid}00`]
  ]
  const refused = edits.map(([comment, bytes]) => {
    if (bytes === valid) throw new Error(`the case "${comment}" changes nothing`)
    return { comment, bytes, error: refusal(new Uint8Array(Buffer.from(bytes, 'hex'))) }
  })
  const long = `a record of ${recordBytesMax + 1} bytes, whatever they are (here: all 00)`
  return [
    ...refused,
    { comment: long, length: recordBytesMax + 1, error: refusal(new Uint8Array(recordBytesMax + 1)) }
  ]
}

function refusal(bytes: Uint8Array): string {
  try {
    decodeEnvelope(bytes)
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
