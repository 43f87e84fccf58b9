/** Vectors of doc/spec/16-wasm-module.md: which modules may be installed, and why others may not. */
import { checkModule, inspectModule, instrumentModule } from '@blocktree/wasm-module'
import wabt from 'wabt'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'

const features = {
  ...{ mutable_globals: true, sign_extension: true, bulk_memory: true, multi_value: true, simd: true },
  ...{ threads: true, memory64: true, multi_memory: true, exceptions: true, tail_call: true },
  reference_types: true
}
const memory = '(memory (export "memory") 1)'
const version = '(func (export "bt_abi_version") (result i32) i32.const 1)'
const allocate = '(func (export "bt_alloc") (param i32) (result i32) i32.const 0)'
const event = '(func (export "bt_event") (param i32 i32 i32) (result i64) i64.const 0)'
const guest = `${memory} ${version} ${allocate} ${event}`

const accepted: readonly (readonly [comment: string, text: string])[] = [
  ['the smallest app', guest],
  [
    'the calls of the host',
    `(import "blocktree" "call" (func (param i32 i32 i32) (result i64))) (import "blocktree" "take" (func (param i32))) ${guest}`
  ],
  [
    'calls of WASI that are there',
    `(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))) ${guest}`
  ],
  [
    'a function that begins, and one that frees',
    `${guest} (func (export "_initialize")) (func (export "bt_free") (param i32 i32))`
  ],
  ['a start function', `${guest} (func $begin) (start $begin)`],
  ['a memory whose bound is clamped', `(memory (export "memory") 1 65536) ${version} ${allocate} ${event}`],
  [
    'bulk operations, vectors, several results',
    `${guest} (func (param i32) (result i32 i32) local.get 0 i32.const 1 i32.const 1 memory.fill i32.const 1 i32.const 2) (func (result v128) v128.const i64x2 0 0)`
  ],
  ['a table', `${guest} (table 10 funcref)`]
]

const refused: readonly (readonly [comment: string, text: string])[] = [
  ['an import of a host that there is not', `(import "env" "open" (func)) ${guest}`],
  ['an import with a name that every object has', `(import "__proto__" "call" (func)) ${guest}`],
  [
    'a call of the host with other types',
    `(import "blocktree" "call" (func (param i32) (result i64))) ${guest}`
  ],
  ['an imported memory', `(import "env" "memory" (memory 1)) ${version} ${allocate} ${event}`],
  ['a shared memory', `(memory (export "memory") 1 2 shared) ${version} ${allocate} ${event}`],
  ['a memory of 64 bits', `(memory (export "memory") i64 1) ${version} ${allocate} ${event}`],
  ['two memories', `${guest} (memory 1)`],
  ['no memory', `${version} ${allocate} ${event}`],
  ['a memory larger than allowed', `(memory (export "memory") 40000) ${version} ${allocate} ${event}`],
  ['a table larger than allowed', `${guest} (table 10000000 funcref)`],
  ['no version', `${memory} ${allocate} ${event}`],
  [
    'a version that is no function',
    `${memory} (global (export "bt_abi_version") i32 (i32.const 1)) ${allocate} ${event}`
  ],
  [
    'an event with other types',
    `${memory} ${version} ${allocate} (func (export "bt_event") (param i32) (result i64) i64.const 0)`
  ],
  ['the name of the meter', `${guest} (global (export "__bt_fuel") (mut i64) (i64.const 0))`]
]

const damaged: readonly (readonly [comment: string, change: (bytes: Uint8Array) => Uint8Array])[] = [
  ['nothing', () => new Uint8Array(0)],
  ['not the first bytes of a module', (bytes) => bytes.with(1, 0)],
  ['another version', (bytes) => bytes.with(4, 2)],
  ['a component', (bytes) => bytes.with(4, 13).with(6, 1)],
  ['cut off in its last section', (bytes) => bytes.subarray(0, -1)],
  ['a byte behind the end', (bytes) => Uint8Array.of(...bytes, 0xff)],
  [
    'the first section twice',
    (bytes) => Uint8Array.of(...bytes.subarray(0, 8), ...firstSection(bytes), ...bytes.subarray(8))
  ],
  ['a section that does not exist', (bytes) => Uint8Array.of(...bytes, 0x7f, 0)],
  ['a section longer than the module', (bytes) => Uint8Array.of(...bytes, 0, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  [
    'a length with more bytes than a number has',
    (bytes) => Uint8Array.of(...bytes, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0)
  ]
]

function firstSection(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(8, 10 + (bytes[9] ?? 0))
}

export async function generateVectors(): Promise<VectorPage> {
  const toolkit = await wabt()
  const compile = (text: string): Uint8Array => {
    const module = toolkit.parseWat('vector.wat', `(module ${text})`, features)
    const { buffer } = module.toBinary({})
    module.destroy()
    return buffer
  }
  const smallest = compile(guest)
  return {
    name: 'wasm-modules',
    specification: 'doc/spec/16-wasm-module.md',
    comment:
      'accepted: a module that may be installed under the default policy, the number of its functions, and the module as V8 runs it (instrumented, default bounds). refused: a module and the codes of all refusals, in order.',
    groups: {
      accepted: accepted.map(([comment, text]): VectorCase => {
        const module = compile(text)
        expectCodes(comment, module, 0)
        const { functions } = inspectModule(module)
        return { comment, module: hex(module), functions, instrumented: hex(instrumentModule(module)) }
      }),
      refused: [
        ...refused.map(([comment, text]) => refusal(comment, compile(text))),
        ...damaged.map(([comment, change]) => refusal(comment, change(smallest)))
      ]
    }
  }
}

function refusal(comment: string, module: Uint8Array): VectorCase {
  return { comment, module: hex(module), codes: expectCodes(comment, module, 1) }
}

function expectCodes(comment: string, module: Uint8Array, least: number): readonly string[] {
  const codes = checkModule(module).map(({ code }) => code)
  if (least === 0 ? codes.length > 0 : codes.length < least)
    throw new Error(`${comment}: ${JSON.stringify(checkModule(module))}`)
  return codes
}
