import { modulePolicyDefault } from '@blocktree/wasm-module'
import { beforeAll, describe, expect, test } from 'vitest'
import { moduleBytesAtOnce } from '../src/limits.ts'
import { checkModuleApart, rewriteModuleApart } from '../src/module-thread.ts'
import { compileText } from './subject.ts'

const exported =
  '(memory (export "memory") 1) (func (export "bt_abi_version") (result i32) i32.const 1) (func (export "bt_alloc") (param i32) (result i32) i32.const 0) (func (export "bt_event") (param i32 i32 i32) (result i64) i64.const 0)'
const bounds = { memoryPages: 16, tableEntries: 10, startFuel: 1000 }
let small: Uint8Array
let large: Uint8Array
let foreign: Uint8Array

beforeAll(async () => {
  const filling = (length: number): string => `(data (i32.const 0) "${'x'.repeat(length)}")`
  const functions = '(func (param i32) (result i32) local.get 0 i32.const 7 i32.add)'.repeat(80_000)
  small = await compileText(`(module ${exported})`)
  large = await compileText(`(module ${exported} ${functions} ${filling(60_000)})`)
  foreign = await compileText(
    `(module (import "env" "open" (func)) ${exported} ${functions} ${filling(60_000)})`
  )
})

/** How often something else got a turn. */
async function turnsDuring(act: () => Promise<unknown>): Promise<number> {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await act()
  clearInterval(timer)
  return turns
}

describe('checkModuleApart', () => {
  test('judges large modules as small ones', async () => {
    expect(large.byteLength).toBeGreaterThan(moduleBytesAtOnce)
    expect(await checkModuleApart(small, modulePolicyDefault)).toEqual([])
    expect(await checkModuleApart(large, modulePolicyDefault)).toEqual([])
    expect(await checkModuleApart(foreign, modulePolicyDefault)).toMatchObject([
      { code: 'ERR_MODULE_IMPORT_UNKNOWN' }
    ])
  })

  test('takes a view of a package and leaves the package whole', async () => {
    const whole = Buffer.alloc(large.byteLength + 20, 1)
    whole.set(large, 10)
    expect(await checkModuleApart(whole.subarray(10, -10), modulePolicyDefault)).toEqual([])
    expect(whole.byteLength).toBe(large.byteLength + 20)
  })
})

describe('rewriteModuleApart', () => {
  test('gives the same for a large module as the rewriting on this thread', async () => {
    const { instrumentModule } = await import('@blocktree/wasm-module')
    expect(await rewriteModuleApart({ module: large, engine: 'v8', bounds })).toEqual(
      instrumentModule(large, bounds)
    )
  })

  test('refuses what cannot be rewritten, small or large, with the same error', async () => {
    for (const module of [small, large]) {
      const cut = module.subarray(0, module.byteLength - 1)
      await expect(rewriteModuleApart({ module: cut, engine: 'v8', bounds })).rejects.toMatchObject({
        name: 'ModuleError',
        code: 'ERR_MODULE_TRUNCATED'
      })
    }
  })

  test('lets others have their turn meanwhile', async () => {
    const rewrite = (module: Uint8Array): Promise<unknown> =>
      rewriteModuleApart({ module, engine: 'v8', bounds })
    expect(await turnsDuring(() => rewrite(small))).toBe(0)
    expect(await turnsDuring(() => Promise.all([rewrite(large), rewrite(large)]))).toBeGreaterThan(10)
  })
})
