/** The parser of doc/spec/blocktree.wit, and that what derives from it is current and strict. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { type CallCodec, hostEvents, hostOperations } from '../../packages/app-package/src/host-interface.ts'
import { CodecError } from '../../packages/codec/src/index.ts'
import { hostInterfaceDocuments, readHostInterface } from '../wit/documents.ts'
import {
  type HostDeclaration,
  type HostField,
  type HostType,
  resolveHostInterface
} from '../wit/host-interface.ts'
import { camelCase } from '../wit/names.ts'
import { parseWit } from '../wit/parse-wit.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const runs = process.env['SLOW'] === '1' ? 2000 : 40
const host = readHostInterface()

/** A file with one operation around which a case is built. */
function source(parts: { types?: string; func?: string; doc?: string; world?: string } = {}): string {
  const {
    types = '',
    func = 'go: func() -> result<_, failure>;',
    doc = '/// @op 1\n/// @permission always',
    world = 'import a;'
  } = parts
  return `package t:t@1.0.0;
interface types { enum failure { denied } }
interface a {
  use types.{failure};
  ${types}
  ${doc}
  ${func}
}
world app { ${world} }`
}

function resolve(text: string): unknown {
  return resolveHostInterface(parseWit(text))
}

describe('parseWit', () => {
  test('reads a file and resolves names and bounds', () => {
    const types = '/// @max 8\ntype key = string; record r { k: option<key>, %list: bool }'
    const { operations, declarations } = resolveHostInterface(
      parseWit(source({ types, func: 'go: func(r: r) -> result<r, failure>;' }))
    )
    expect(operations).toMatchObject([{ name: 'a.go', number: 1, permission: 'always' }])
    expect(declarations[1]).toMatchObject({
      fields: [
        { name: 'k', type: { kind: 'option', element: { kind: 'string', max: 8 } } },
        { name: 'list', type: { kind: 'bool' } }
      ]
    })
  })

  test.each<[string, Parameters<typeof source>[0], RegExp]>([
    ['a float', { types: 'type x = f32;' }, /"f32" is not one/],
    ['a signed number', { types: 'type x = s64;' }, /"s64" is not one/],
    ['a stream', { types: 'type x = stream<u8>;' }, /"stream" is not one/],
    ['a resource', { types: 'resource x;' }, /"resource" is not a name/],
    ['an upper-case name', { types: 'type X = u8;' }, /unexpected character "X"/],
    ['a list without a bound', { types: 'type x = list<u8>;' }, /needs a bound/],
    ['a text without a bound', { types: 'record x { y: string }' }, /needs a bound/],
    ['an option of an option', { types: 'type x = option<option<u8>>;' }, /two spellings/],
    ['an unknown type', { types: 'type x = y;' }, /"y" is not declared/],
    ['an empty record', { types: 'record x { }' }, /is empty/],
    ['a field twice', { types: 'record x { y: u8, y: u8 }' }, /twice/],
    ['a type that is also a function', { types: 'type go = u8;' }, /type and a function/],
    ['a reserved word', { types: 'record list { y: u8 }' }, /"list" is not a name/],
    ['an unknown annotation', { types: '/// @limit 3\ntype x = u8;' }, /@limit is unknown/],
    ['an operation without a number', { doc: '/// @permission always' }, /needs @op/],
    ['an operation without a permission', { doc: '/// @op 1' }, /no @permission/],
    ['an operation that cannot fail', { func: 'go: func() -> u8;' }, /does not return/],
    ['an interface that the world leaves out', { world: '' }, /does not import/],
    ['a world that names what is not there', { world: 'import a; import b;' }, /no interface/]
  ])('refuses %s', (_what, parts, message) => {
    expect(() => resolve(source(parts))).toThrow(message)
  })

  test('refuses one number for two operations', () => {
    const func =
      'go: func() -> result<_, failure>;\n/// @op 1\n/// @permission always\nrun: func() -> result<_, failure>;'
    expect(() => resolve(source({ func }))).toThrow(/have one number, 1/)
  })

  test('answers any damage with its own error', () => {
    const text = readFileSync(`${root}doc/spec/blocktree.wit`, 'utf8')
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 4 }), (at, cut, added) => {
        try {
          resolve(text.slice(0, at) + added + text.slice(at + cut))
        } catch (error) {
          expect(error).toHaveProperty('name', 'WitError')
        }
      }),
      { numRuns: runs }
    )
  })
})

describe('generated files', () => {
  test.each(hostInterfaceDocuments())('$path is what doc/spec/blocktree.wit says', ({ path, text }) => {
    expect(readFileSync(`${root}${path}`, 'utf8') === text, 'run: npm run reference').toBe(true)
  })
})

/** Any value of a type, as the generated code shows it. */
function valueOf(type: HostType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'uint':
      return fc.oneof(fc.nat(Math.min(type.max, 300)), fc.constant(type.max))
    case 'bool':
      return fc.boolean()
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: Math.min(30, Math.floor(type.max / 32)) })
    case 'bytes':
      return fc.uint8Array({ minLength: type.min, maxLength: Math.min(type.max, type.min + 40) })
    case 'list':
      return fc.array(valueOf(type.element), { maxLength: 3 })
    case 'option':
      return fc.option(valueOf(type.element), { nil: undefined })
    case 'result':
      return fc.oneof(caseOf('ok', type.ok, true), caseOf('error', type.error, true))
    case 'named':
      return declared(host.declarations.find(({ name }) => name === type.name))
  }
}

function caseOf(kind: string, type: HostType | undefined, always = false): fc.Arbitrary<unknown> {
  if (type === undefined) return fc.constant(always ? { kind, value: undefined } : { kind })
  return fc.record({ kind: fc.constant(kind), value: valueOf(type) })
}

function declared(declaration: HostDeclaration | undefined): fc.Arbitrary<unknown> {
  switch (declaration?.kind) {
    case 'record':
      return fields(declaration.fields)
    case 'enum':
      return fc.constantFrom(...declaration.cases.map(({ name }) => name))
    case 'flags':
      return fc.record(
        Object.fromEntries(declaration.cases.map(({ name }) => [camelCase(name), fc.boolean()]))
      )
    case 'variant':
      return fc.oneof(...declaration.cases.map(({ name, type }) => caseOf(name, type)))
    case undefined:
      throw new Error('no such type')
  }
}

function fields(all: readonly HostField[]): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(all.map(({ name, type }) => [camelCase(name), valueOf(type)])))
}

/** The values of a call are only known by the model here. */
function codecOf(name: string): CallCodec<unknown, unknown> {
  const all: Readonly<Record<string, unknown>> = { ...hostOperations, ...hostEvents }
  return all[name] as CallCodec<unknown, unknown>
}

describe('generated codecs', () => {
  const calls = [...host.operations, ...host.events]

  test.each(calls)('$name: what is encoded is decoded again', ({ name, parameters, reply }) => {
    const codec = codecOf(name)
    fc.assert(
      fc.property(fields(parameters), (request) => {
        const plain = { ...(request as object) }
        expect(codec.decodeRequest(codec.encodeRequest(plain))).toEqual(plain)
      }),
      { numRuns: runs }
    )
    fc.assert(
      fc.property(reply === undefined ? fc.constant(undefined) : valueOf(reply), (value) => {
        expect(codec.decodeReply(codec.encodeReply(value))).toEqual(normalized(value))
      }),
      { numRuns: runs }
    )
  })

  test.each(calls)('$name: bytes of an enemy are refused or have one spelling', ({ name, parameters }) => {
    const codec = codecOf(name)
    const damaged = fc
      .tuple(fields(parameters), fc.nat(), fc.nat(255), fc.uint8Array({ maxLength: 3 }))
      .map(([request, at, byte, more]) => {
        const bytes = codec.encodeRequest(request)
        if (bytes.length > 0) bytes[at % bytes.length] = byte
        return new Uint8Array([...bytes, ...more])
      })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        let request: unknown
        try {
          request = codec.decodeRequest(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
          return
        }
        expect(codec.encodeRequest(request)).toEqual(bytes)
      }),
      { numRuns: runs }
    )
  })
})

/** fast-check's records have no prototype; what is decoded has. */
function normalized(value: unknown): unknown {
  return value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
    ? { ...value }
    : value
}
