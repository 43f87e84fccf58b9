/** Runners and guests of the tests: the child program bundled from the sources, modules from WebAssembly text. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import wabt from 'wabt'
import { installEngine } from '../src/install-engine.ts'

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

const extras = fileURLToPath(new URL('../../../tools/setup-extras', import.meta.url))

/** The pinned wheel that `tools/setup-extras` brings. */
export function wasmtimeWheel(): string | undefined {
  const path = spawnSync(extras, ['--path', 'libwasmtime'], { encoding: 'utf8' }).stdout.trim()
  return path === '' ? undefined : path
}

/** libwasmtime: the file that SANDBOX_TEST_LIBWASMTIME names, or what installing the wheel gives. */
export async function wasmtimeLibrary(): Promise<string | undefined> {
  const path = process.env['SANDBOX_TEST_LIBWASMTIME']
  if (path !== undefined && existsSync(path)) return path
  const wheel = wasmtimeWheel()
  if (wheel === undefined) return undefined
  return (await installEngine({ file: wheel, directory: temporaryDirectory() })).library
}
