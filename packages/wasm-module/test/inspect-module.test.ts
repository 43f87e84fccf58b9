import { describe, expect, test } from 'vitest'
import { ModuleError, type ModuleErrorCode, inspectModule } from '@blocktree/wasm-module'
import { kitchenSink } from './fixtures/kitchen-sink.ts'
import {
  type Bytes,
  body,
  buildModule,
  header,
  name,
  section,
  signatureType,
  singleFunction,
  u32
} from './fixtures/module-builder.ts'

/** The code of the refusal; undefined when the module is read. */
function codeOf(bytes: Uint8Array | Bytes): ModuleErrorCode | undefined {
  try {
    inspectModule(Uint8Array.from(bytes))
    return undefined
  } catch (error) {
    if (error instanceof ModuleError) return error.code
    throw error
  }
}

const ofCode = (code: Bytes): ModuleErrorCode | undefined => codeOf(singleFunction('', '', code))

describe('inspectModule', () => {
  test('tells what a module is made of', () => {
    expect(inspectModule(kitchenSink)).toMatchObject({
      bytes: kitchenSink.length,
      functions: 4,
      globals: 3,
      locals: 3,
      startFunction: 4,
      customSections: ['name', 'producers'],
      memories: [{ min: 1, max: 3, isShared: false, isImported: false }],
      tables: [
        { type: 'funcref', min: 4, max: 20 },
        { type: 'externref', min: 2, max: undefined }
      ],
      imports: [{ module: 'blocktree', name: 'call', kind: 'function' }]
    })
  })

  test('reads the empty module and refuses another version and a component', () => {
    expect(codeOf(header)).toBeUndefined()
    expect(codeOf([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0])).toBe('ERR_MODULE_MAGIC')
    expect(codeOf([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])).toBe('ERR_MODULE_FEATURE')
    expect(codeOf([0x7f, 0x45, 0x4c, 0x46])).toBe('ERR_MODULE_MAGIC')
  })

  test('takes padded integers and refuses those that are too long', () => {
    expect(codeOf([...header, 1, 0x81, 0x80, 0x80, 0x80, 0x00, 0])).toBeUndefined()
    expect(codeOf([...header, 1, 0x81, 0x80, 0x80, 0x80, 0x10, 0])).toBe('ERR_MODULE_INTEGER')
    expect(codeOf([...header, 1, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0])).toBe('ERR_MODULE_INTEGER')
    expect(ofCode([0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x1a])).toBeUndefined()
    expect(ofCode([0x41, 0x80, 0x80, 0x80, 0x80, 0x08, 0x1a])).toBe('ERR_MODULE_INTEGER')
    expect(ofCode([0x42, ...Array.from({ length: 9 }, () => 0x80), 0x7f, 0x1a])).toBeUndefined()
    expect(ofCode([0x42, ...Array.from({ length: 9 }, () => 0x80), 0x01, 0x1a])).toBe('ERR_MODULE_INTEGER')
  })

  test('refuses sections that are repeated, misplaced, unknown, too long or cut off', () => {
    const types = section(1, [0])
    const functions = section(3, [0])
    expect(codeOf([...header, ...types, ...functions])).toBeUndefined()
    expect(codeOf([...header, ...types, ...types])).toBe('ERR_MODULE_SECTION')
    expect(codeOf([...header, ...functions, ...types])).toBe('ERR_MODULE_SECTION')
    expect(codeOf([...header, 14, 0])).toBe('ERR_MODULE_SECTION')
    expect(codeOf([...header, ...section(1, [0, 0])])).toBe('ERR_MODULE_SECTION')
    expect(codeOf([...header, 1, 5, 0])).toBe('ERR_MODULE_TRUNCATED')
  })

  test('refuses a function without a body and a body without a function', () => {
    const types = [signatureType('', '')]
    expect(codeOf(buildModule({ types, functions: [0] }))).toBe('ERR_MODULE_SECTION')
    expect(codeOf(buildModule({ types, bodies: [body([])] }))).toBe('ERR_MODULE_SECTION')
  })

  test('refuses a name that is not UTF-8 or too long', () => {
    expect(codeOf([...header, ...section(0, [2, 0xc3, 0xa9])])).toBeUndefined()
    expect(codeOf([...header, ...section(0, [2, 0xc3, 0x28])])).toBe('ERR_MODULE_NAME')
    expect(codeOf([...header, ...section(0, name('x'.repeat(4096)))])).toBeUndefined()
    expect(codeOf([...header, ...section(0, name('x'.repeat(4097)))])).toBe('ERR_MODULE_LIMIT')
  })

  test('refuses counts beyond the limits before it reads what they count', () => {
    expect(codeOf([...header, ...section(1, u32(20_001))])).toBe('ERR_MODULE_LIMIT')
    expect(codeOf([...header, ...section(1, u32(20_000))])).toBe('ERR_MODULE_TRUNCATED')
    expect(codeOf([...header, ...section(3, u32(100_001))])).toBe('ERR_MODULE_LIMIT')
    expect(codeOf([...header, ...section(10, u32(0xffff_ffff))])).toBe('ERR_MODULE_LIMIT')
    expect(codeOf(singleFunction('i'.repeat(255), '', []))).toBeUndefined()
    expect(codeOf(singleFunction('i'.repeat(256), '', []))).toBe('ERR_MODULE_LIMIT')
    expect(ofCode([0x41, 0, 0x0e, ...u32(65_521)])).toBe('ERR_MODULE_LIMIT')
  })

  test('adds up the locals of all groups', () => {
    const locals = (count: number): Uint8Array =>
      singleFunction('', '', [], {
        locals: [
          [5000, 'i'],
          [count, 'I']
        ]
      })
    expect(codeOf(locals(5000))).toBeUndefined()
    expect(codeOf(locals(5001))).toBe('ERR_MODULE_LIMIT')
    expect(codeOf(locals(0xffff_ffff))).toBe('ERR_MODULE_LIMIT')
  })

  test('counts blocks inside one another', () => {
    const nested = (depth: number): Bytes => [
      ...Array.from({ length: depth }, () => [0x02, 0x40]).flat(),
      ...Array.from({ length: depth }, () => 0x0b)
    ]
    expect(ofCode(nested(65_520))).toBeUndefined()
    expect(ofCode(nested(65_521))).toBe('ERR_MODULE_LIMIT')
  })

  test('refuses blocks that do not close in order', () => {
    expect(ofCode([0x02, 0x40])).toBe('ERR_MODULE_TRUNCATED')
    expect(ofCode([0x0b])).toBe('ERR_MODULE_NESTING')
    expect(ofCode([0x05])).toBe('ERR_MODULE_NESTING')
    expect(ofCode([0x02, 0x40, 0x05, 0x0b])).toBe('ERR_MODULE_NESTING')
    expect(ofCode([0x41, 0, 0x04, 0x40, 0x05, 0x05, 0x0b])).toBe('ERR_MODULE_NESTING')
  })

  test.each([
    ['a local', [0x20, 0]],
    ['a global', [0x23, 0]],
    ['a function', [0x10, 1]],
    ['a type', [0x11, 1, 0]],
    ['a table', [0x25, 1]],
    ['a label', [0x0c, 1]],
    ['a block type', [0x02, 1, 0x0b]],
    ['a data segment', [0xfc, 9, 0]],
    ['an element segment', [0xfc, 13, 0]]
  ])('refuses %s that is not there', (_, code) => {
    expect(ofCode(code)).toBe('ERR_MODULE_INDEX')
  })

  test.each([
    ['exceptions', [0x08, 0]],
    ['tail calls', [0x12, 0]],
    ['function references', [0x14, 0]],
    ['garbage collection', [0xfb, 0, 0]],
    ['threads', [0xfe, 3, 0]],
    ['relaxed SIMD', [0xfd, 0x80, 0x02]],
    ['a second memory', [0x3f, 1]],
    ['a second memory in an access', [0x41, 0, 0x28, 0x42, 1, 0, 0x1a]],
    ['wide arithmetic', [0xfc, 19]]
  ])('refuses %s', (_, code) => {
    expect(ofCode(code)).toBe('ERR_MODULE_FEATURE')
  })

  test.each([
    ['sign extension', [0x41, 0, 0xc0, 0x1a]],
    ['saturating conversion', [0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a]],
    ['bulk memory', [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0]],
    ['references', [0xd0, 0x6f, 0x1a]],
    ['vectors', [0xfd, 12, ...Array.from({ length: 16 }, () => 0), 0x1a]]
  ])('accepts %s', (_, code) => {
    expect(ofCode(code)).toBeUndefined()
  })

  test.each([
    ['a plain opcode', [0x27]],
    ['a bulk opcode', [0xfc, 18]],
    ['a vector opcode', [0xfd, 0x9a, 0x01]],
    ['a prefix of no use', [0xff]]
  ])('refuses %s that does not exist', (_, code) => {
    expect(ofCode(code)).toBe('ERR_MODULE_OPCODE')
  })
})
