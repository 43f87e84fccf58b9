/** Packages that must not get in, and modules that must not get further than their installation. */
import { compileGuest, compileText, packGuest } from '../guest-package.ts'
import { rogue } from '../guests/rogue.ts'
import { permissions } from './app-stage.ts'

export interface HostilePackage {
  readonly what: string
  readonly bytes: () => Iterable<Uint8Array>
  readonly codes: readonly string[]
}

const name = 'stranger'
const guestExports = `(memory (export "memory") 1)
  (func (export "bt_abi_version") (result i32) (i32.const 1))
  (func (export "bt_alloc") (param i32) (result i32) (i32.const 0))`
const guestEvent = '(func (export "bt_event") (param i32 i32 i32) (result i64) (i64.const 0))'

function pack(module: Uint8Array, more: object = {}): Uint8Array {
  return packGuest(module, { name, permissions, ...more })
}

/** One byte at `at` is another; from the end when it is negative. */
function changed(bytes: Uint8Array, at: number): Uint8Array {
  const place = at < 0 ? bytes.length + at : at
  return bytes.with(place, (bytes[place] ?? 0) ^ 1)
}

function* endless(head: Uint8Array): Generator<Uint8Array> {
  yield head
  const zeros = new Uint8Array(1 << 20)
  for (let megabytes = 0; megabytes < 4096; megabytes++) yield zeros
}

const many = { functions: 60_000, branches: 200_000 } as const

export const hostilePackages: readonly HostilePackage[] = [
  {
    what: 'a module that is not the signed one',
    bytes: () => [changed(pack(compileGuest(rogue)), -1)],
    codes: ['ERR_PACKAGE_HASH']
  },
  {
    what: 'a manifest signed by another key than its author has',
    bytes: () => [pack(compileGuest(rogue), { signedBy: 'somebody else' })],
    codes: ['ERR_PACKAGE_AUTHOR']
  },
  {
    what: 'a file that goes on without end',
    bytes: () => endless(pack(compileGuest(rogue))),
    codes: ['ERR_PACKAGE_TRAILING']
  },
  {
    what: 'a file that is no package and goes on without end',
    bytes: () => endless(new Uint8Array(100)),
    codes: ['ERR_PACKAGE_FORMAT']
  },
  {
    what: 'a module that wants to start programs',
    bytes: () => [
      pack(
        compileText(
          `(module (import "env" "system" (func (param i32) (result i32))) ${guestExports} ${guestEvent})`
        )
      )
    ],
    codes: ['ERR_APP_MODULE']
  },
  {
    what: 'a module whose start function does not end',
    bytes: () => [
      pack(
        compileText(
          `(module ${guestExports} ${guestEvent} (func $start (loop $again (br $again))) (start $start))`
        )
      )
    ],
    codes: ['ERR_APP_FAILED']
  },
  {
    what: 'a module whose initialisation does not end',
    bytes: () => [pack(compileGuest(`${rogue}\nspin()\n`))],
    codes: ['ERR_APP_FAILED']
  },
  {
    what: 'a module of a million functions',
    bytes: () => [pack(functionsModule(1_000_000))],
    codes: ['ERR_APP_MODULE']
  },
  {
    what: 'a huge br_table among tens of thousands of functions',
    bytes: () => [
      pack(
        compileText(`(module ${guestExports} ${'(func)'.repeat(many.functions)}
          (func (export "bt_event") (param i32 i32 i32) (result i64)
            (block $out (br_table ${'$out '.repeat(many.branches)} (local.get 0))) (unreachable)))`)
      )
    ],
    codes: ['ERR_APP_MODULE']
  }
]

/** As bytes, since as text it would be larger than a compiler takes. */
function functionsModule(count: number): Uint8Array {
  const number = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...number(Math.floor(value / 128))]
  const section = (id: number, body: Uint8Array): Uint8Array =>
    Buffer.concat([Uint8Array.from([id, ...number(body.length)]), body])
  const counted = (items: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.from(number(count)), items])
  const bodies = new Uint8Array(count * 3).map((_, index) => [2, 0, 0x0b][index % 3] ?? 0)
  return Buffer.concat([
    Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    section(1, Uint8Array.from([1, 0x60, 0, 0])),
    section(3, counted(new Uint8Array(count))),
    section(10, counted(bodies))
  ])
}
