import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compileBlockKernel, compilerVersion, sourceDigest } from '../build-block-kernel.ts'

const kept = readFileSync(
  join(import.meta.dirname, '..', '..', 'packages', 'crypto', 'src', 'simd-block-module.ts'),
  'utf8'
)
const digestOf = (what: string): string | undefined =>
  new RegExp(`SHA-256 of ${what}: (.*)`, 'u').exec(kept)?.[1]
const keptModule = Uint8Array.fromBase64(
  [...kept.matchAll(/^ {2}'(.*)'/gmu)].map(([, line]) => line).join('')
)

describe('the block kernel in WebAssembly', () => {
  test('was made of the source as it is now', () => {
    expect(digestOf('that source')).toBe(sourceDigest())
  })

  test('is the module whose hash was written down when it was made', () => {
    expect(createHash('sha256').update(keptModule).digest('hex')).toBe(digestOf('the module'))
  })

  const compiler = compilerVersion()
  const isSameCompiler = compiler !== undefined && kept.includes(` with ${compiler};`)
  test.skipIf(!isSameCompiler)(
    'comes out byte for byte when clang builds it again (needs the same clang)',
    () => {
      expect(Buffer.compare(compileBlockKernel(), keptModule)).toBe(0)
    }
  )
})
