/** Compilers of guest languages that this machine has, and the commands of templates run with them. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

/** First words of a build command, and what to run instead; undefined where the compiler is missing. */
export const toolchains: Readonly<Record<string, readonly string[] | undefined>> = {
  assemblyscript: script('assemblyscript/bin/asc.js'),
  wat: script('wabt/bin/wat2wasm'),
  c: works('clang', '--version') && works('wasm-ld', '--version') ? ['clang'] : undefined,
  rust: rust()
}

/** What is missing, for the name of a skipped test. */
export const needs: Readonly<Record<string, string>> = {
  assemblyscript: 'npm package assemblyscript',
  wat: 'npm package wabt',
  c: 'clang and lld',
  rust: 'rustc with the target wasm32-unknown-unknown'
}

/** Runs the `build` of an app.json in `directory`; the compiler's output is in the error. */
export function build(template: string, command: string, directory: string): void {
  const words = command.split(' ')
  const rest = words.slice(words[0] === 'npx' ? 2 : 1)
  const [program = '', ...first] = toolchains[template] ?? []
  const result = spawnSync(program, [...first, ...rest], { cwd: directory, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`${command}\n${result.stdout}${result.stderr}`)
}

function script(path: string): readonly string[] | undefined {
  return existsSync(modules + path) ? [process.execPath, modules + path] : undefined
}

function works(program: string, argument: string): boolean {
  return spawnSync(program, [argument]).status === 0
}

function rust(): readonly string[] | undefined {
  for (const program of ['rustc', '/usr/bin/rustc']) {
    const { status, stdout } = spawnSync(program, ['--print', 'sysroot'], { encoding: 'utf8' })
    if (status === 0 && existsSync(`${stdout.trim()}/lib/rustlib/wasm32-unknown-unknown/lib`))
      return [program]
  }
  return undefined
}
