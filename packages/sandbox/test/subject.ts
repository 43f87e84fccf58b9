/** Runners and guests of the tests: the child program bundled from the sources, modules from WebAssembly text. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import wabt from 'wabt'

const bundler = fileURLToPath(new URL('../../../tools/bundle-sandbox-child.ts', import.meta.url))

/** A place of its own for the test file, removed at its end. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sandbox-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Path of the child program; it is there once the tests of the file run. */
export function bundledProgram(): string {
  const program = join(temporaryDirectory(), 'sandbox-child.cjs')
  beforeAll(() => {
    execFileSync(process.execPath, [bundler, program], { stdio: 'inherit' })
  })
  return program
}

export async function compileText(text: string): Promise<Uint8Array> {
  const toolkit = await wabt()
  const parsed = toolkit.parseWat('guest.wat', text, {
    bulk_memory: true,
    reference_types: true,
    mutable_globals: true
  })
  return parsed.toBinary({}).buffer
}

/** libwasmtime, when the machine that runs the tests has it: a path in SANDBOX_TEST_LIBWASMTIME. */
export function wasmtimeLibrary(): string | undefined {
  const path = process.env['SANDBOX_TEST_LIBWASMTIME']
  return path !== undefined && existsSync(path) ? path : undefined
}
