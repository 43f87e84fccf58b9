/** The modules of doc/spec/16-wasm-module.md, byte for byte. */
import { readFileSync } from 'node:fs'
import { checkModule, inspectModule, instrumentModule } from '@blocktree/wasm-module'
import { describe, expect, test } from 'vitest'

interface Accepted {
  readonly comment: string
  readonly module: string
  readonly functions: number
  readonly instrumented: string
}

interface Refused {
  readonly comment: string
  readonly module: string
  readonly codes: readonly string[]
}

const file = new URL('../../../doc/spec/vectors/wasm-modules.json', import.meta.url)
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly groups: { readonly accepted: readonly Accepted[]; readonly refused: readonly Refused[] }
}
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

describe('vectors of modules', () => {
  test.each(groups.accepted)('accepted: $comment', ({ module, functions, instrumented }) => {
    expect(checkModule(bytes(module))).toEqual([])
    expect(inspectModule(bytes(module)).functions).toBe(functions)
    expect(instrumentModule(bytes(module))).toEqual(bytes(instrumented))
  })

  test.each(groups.refused)('refused: $comment', ({ module, codes }) => {
    expect(checkModule(bytes(module)).map(({ code }) => code)).toEqual(codes)
  })
})
