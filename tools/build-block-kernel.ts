/**
 * Compiles packages/crypto/simd/block-kernel.c with clang into packages/crypto/src/simd-block-module.ts:
 * `node tools/build-block-kernel.ts`. The built module is kept in the repository, so nobody needs a compiler to run the
 * project; a test compares it with the source, and builds it again where clang for WebAssembly is installed.
 */
import { execFileSync, type StdioOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const crypto: string = join(import.meta.dirname, '..', 'packages', 'crypto')
const source: string = join(crypto, 'simd', 'block-kernel.c')
const target: string = join(crypto, 'src', 'simd-block-module.ts')
const lineCharacters = 100

const compilerWords: readonly string[] = [
  '--target=wasm32',
  '-msimd128',
  '-mbulk-memory',
  '-O2',
  '-nostdlib',
  '-ffreestanding',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-c'
]

/** The linker is called by itself: through clang, it would run whatever wasm-opt is on the path. */
const linkerWords: readonly string[] = [
  '--no-entry',
  '--import-memory',
  '--strip-all',
  '-z',
  'stack-size=16384',
  '--export=__heap_base'
]

/** First line of the compiler's version, or undefined when there is none. */
export function compilerVersion(): string | undefined {
  try {
    execFileSync('wasm-ld', ['--version'], { stdio: 'ignore' })
    return execFileSync('clang', ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore']
    }).split('\n')[0]
  } catch {
    return undefined
  }
}

export function sourceDigest(): string {
  return createHash('sha256').update(readFileSync(source)).digest('hex')
}

export function compileBlockKernel(): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'block-kernel-'))
  try {
    const object = join(directory, 'block-kernel.o')
    const output = join(directory, 'block-kernel.wasm')
    const stdio: StdioOptions = ['ignore', 'ignore', 'inherit']
    execFileSync('clang', [...compilerWords, '-o', object, source], { stdio })
    execFileSync('wasm-ld', [...linkerWords, '-o', output, object], { stdio })
    return Uint8Array.from(readFileSync(output))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function writeModule(module: Uint8Array, compiler: string): void {
  const text = module.toBase64()
  const lines: string[] = []
  for (let at = 0; at < text.length; at += lineCharacters) lines.push(text.slice(at, at + lineCharacters))
  writeFileSync(
    target,
    `/**
 * Made of ../simd/block-kernel.c by tools/build-block-kernel.ts with ${compiler}; not to be edited.
 * SHA-256 of that source: ${sourceDigest()}
 * SHA-256 of the module: ${createHash('sha256').update(module).digest('hex')}
 */

export const moduleBase64: string = [
${lines.map((line) => `  '${line}'`).join(',\n')}
].join('')
`
  )
}

if (import.meta.main) {
  const compiler = compilerVersion()
  if (compiler === undefined) {
    console.error('clang is not installed: it takes clang and lld with the target wasm32')
    process.exitCode = 1
  } else {
    const module = compileBlockKernel()
    writeModule(module, compiler)
    console.log(`${target}: ${module.length} bytes of WebAssembly`)
  }
}
