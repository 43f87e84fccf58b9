import { describe, expect, test } from 'vitest'
import { checkModule, modulePolicyDefault } from '@blocktree/wasm-module'
import {
  type ModuleParts,
  body,
  buildModule,
  exported,
  functionImport,
  guestModule,
  signatureType
} from './fixtures/module-builder.ts'

const codesOf = (bytes: Uint8Array, policy = modulePolicyDefault): string[] =>
  checkModule(bytes, policy).map(({ code }) => code)

/** A guest whose only import has the given signature. */
function importing(module: string, field: string, parameters: string, results: string): Uint8Array {
  return guestModule({
    types: [
      signatureType('', 'i'),
      signatureType('i', 'i'),
      signatureType('iii', 'I'),
      signatureType(parameters, results)
    ],
    imports: [functionImport(module, field, 3)],
    exports: [
      exported('memory', 'memory', 0),
      exported('bt_abi_version', 'function', 1),
      exported('bt_alloc', 'function', 2),
      exported('bt_event', 'function', 3)
    ]
  })
}

describe('checkModule', () => {
  test('accepts the smallest guest', () => {
    expect(checkModule(guestModule())).toEqual([])
  })

  test('accepts the calls of the host', () => {
    expect(checkModule(importing('blocktree', 'call', 'iii', 'I'))).toEqual([])
    expect(checkModule(importing('blocktree', 'take', 'i', ''))).toEqual([])
    expect(checkModule(importing('wasi_snapshot_preview1', 'fd_seek', 'iIii', 'i'))).toEqual([])
  })

  test('refuses an import that the host does not have', () => {
    expect(checkModule(importing('env', 'abort', 'iiii', ''))).toEqual([
      expect.objectContaining({
        code: 'ERR_MODULE_IMPORT_UNKNOWN',
        remedy: 'compile AssemblyScript with --use abort='
      })
    ])
    for (const module of ['__proto__', 'constructor', '']) {
      expect(codesOf(importing(module, 'get', '', ''))).toEqual(['ERR_MODULE_IMPORT_UNKNOWN'])
    }
  })

  test('refuses a known import with another signature', () => {
    expect(codesOf(importing('blocktree', 'call', 'iii', 'i'))).toEqual(['ERR_MODULE_IMPORT_TYPE'])
  })

  test('refuses an imported memory', () => {
    const imports = [[3, 0x65, 0x6e, 0x76, 6, ...new TextEncoder().encode('memory'), 2, 0, 1]]
    const { memories: _, ...parts } = { memories: [], imports } satisfies ModuleParts
    const found = codesOf(guestModule({ ...parts, memories: [] }))
    expect(found).toContain('ERR_MODULE_IMPORT_UNKNOWN')
  })

  test('refuses a shared memory and names the threads proposal as the way out', () => {
    expect(checkModule(guestModule({ memories: [[3, 1, 2]] }))).toEqual([
      expect.objectContaining({ code: 'ERR_MODULE_FEATURE', remedy: 'build without threads' })
    ])
  })

  test('refuses a memory with addresses of 64 bits', () => {
    expect(codesOf(guestModule({ memories: [[4, 1]] }))).toEqual(['ERR_MODULE_FEATURE'])
  })

  test('refuses two memories', () => {
    const memories = [
      [0, 1],
      [0, 1]
    ]
    expect(codesOf(guestModule({ memories }))).toEqual(['ERR_MODULE_FEATURE'])
  })

  test('refuses a memory above the limit and accepts one at it', () => {
    expect(codesOf(guestModule({ memories: [[0, 0x81, 0x08]] }))).toEqual(['ERR_MODULE_LIMIT'])
    expect(codesOf(guestModule({ memories: [[0, 0x80, 0x08]] }))).toEqual([])
  })

  test('refuses tables that together are above the limit', () => {
    const table = [0x70, 0, 0x88, 0x27] // 5000
    expect(codesOf(guestModule({ tables: [table, table] }))).toEqual([])
    expect(codesOf(guestModule({ tables: [table, table, [0x70, 0, 1]] }))).toEqual(['ERR_MODULE_LIMIT'])
  })

  test('refuses a ninth table', () => {
    const tables = Array.from({ length: 9 }, () => [0x70, 0, 0])
    expect(codesOf(guestModule({ tables }))).toEqual(['ERR_MODULE_LIMIT'])
    expect(codesOf(guestModule({ tables: tables.slice(1) }))).toEqual([])
  })

  test('refuses a module above the limit before it reads it', () => {
    const bytes = guestModule()
    expect(codesOf(bytes, { ...modulePolicyDefault, moduleBytes: bytes.length - 1 })).toEqual([
      'ERR_MODULE_LIMIT'
    ])
    expect(codesOf(bytes, { ...modulePolicyDefault, moduleBytes: bytes.length })).toEqual([])
  })

  test('names each export that is missing', () => {
    const found = checkModule(guestModule({ exports: [] }))
    expect(found.map((refusal) => refusal.found)).toEqual([
      'no export "memory"',
      'no export "bt_abi_version"',
      'no export "bt_alloc"',
      'no export "bt_event"'
    ])
  })

  test('refuses an export of the ABI with another signature, also an optional one', () => {
    const exports = [
      exported('memory', 'memory', 0),
      exported('bt_abi_version', 'function', 0),
      exported('bt_alloc', 'function', 1),
      exported('bt_event', 'function', 2)
    ]
    expect(codesOf(guestModule({ exports: [...exports, exported('_initialize', 'function', 0)] }))).toEqual([
      'ERR_MODULE_EXPORT_TYPE'
    ])
    expect(
      codesOf(guestModule({ exports: [...exports.slice(1), exported('memory', 'function', 0)] }))
    ).toEqual(['ERR_MODULE_EXPORT_TYPE'])
  })

  test('refuses names of the host', () => {
    const exports = [exported('__bt_anything', 'memory', 0)]
    expect(codesOf(guestModule({ exports }))).toContain('ERR_MODULE_RESERVED_NAME')
  })

  test('asks a command for _start instead of the guest ABI', () => {
    const command = buildModule({
      types: [signatureType('', '')],
      functions: [0],
      memories: [[0, 1]],
      exports: [exported('memory', 'memory', 0), exported('_start', 'function', 0)],
      bodies: [body([])]
    })
    expect(codesOf(command, { ...modulePolicyDefault, abi: 'command' })).toEqual([])
    expect(codesOf(guestModule(), { ...modulePolicyDefault, abi: 'command' })).toEqual([
      'ERR_MODULE_EXPORT_MISSING'
    ])
  })

  test('has one reason against bytes that are no module', () => {
    expect(codesOf(new Uint8Array())).toEqual(['ERR_MODULE_MAGIC'])
    expect(codesOf(guestModule().subarray(0, -1))).toEqual(['ERR_MODULE_TRUNCATED'])
  })
})
