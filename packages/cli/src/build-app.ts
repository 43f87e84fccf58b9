/**
 * Runs the build command of a project. The compiler is looked for in node_modules/.bin of the project and of the
 * directories above it, beside this program, and on the PATH.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import type { AppProject } from './app-project.ts'
import { CliError } from './cli-error.ts'

const remedies: Readonly<Partial<Record<string, string>>> = {
  asc: 'run "npm install" in the project (it needs the npm package assemblyscript)',
  wat2wasm:
    'run "npm install" in the project (it needs the npm package wabt), or install wabt of your system',
  clang: 'install clang and lld of your system (apt install clang lld)',
  rustc: 'install Rust (https://rustup.rs), then "rustup target add wasm32-unknown-unknown"'
}

export interface BuildResult {
  readonly command: string | undefined
  /** What the compiler said. */
  readonly output: string
}

/** Without a build command there is nothing to do. @throws ERR_APP_BUILD */
export async function buildApp(
  { directory, source }: AppProject,
  environment: Readonly<Record<string, string | undefined>>
): Promise<BuildResult> {
  if (source.build === undefined) return { command: undefined, output: '' }
  const command = source.build.replace(/^npx\s+(--no-install\s+)?/, '')
  const path = [...binFolders(directory), dirname(process.execPath), environment['PATH'] ?? ''].join(
    delimiter
  )
  const tool = command.trim().split(/\s+/)[0] ?? ''
  if (!isOnPath(tool, path)) {
    throw new CliError('ERR_APP_BUILD', `"${tool}" is needed to build this app, and is not installed`, {
      advice: remedies[tool] ?? 'install it, or correct "build" of app.json'
    })
  }
  const module = join(directory, source.module)
  await rm(module, { force: true }) // what is there afterwards was made now: some compilers fail with exit code 0
  await mkdir(dirname(module), { recursive: true })
  const child = spawn(command, {
    cwd: directory,
    shell: true,
    env: { ...environment, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  if (child.exitCode !== 0) {
    throw new CliError('ERR_APP_BUILD', `the build command failed: ${command}\n${output.trimEnd()}`)
  }
  if (!existsSync(module)) {
    throw new CliError(
      'ERR_APP_BUILD',
      `the build command did not make "${source.module}": ${command}\n${output.trimEnd()}`
    )
  }
  return { command, output }
}

/** Innermost first; last those of this program. */
function binFolders(directory: string): readonly string[] {
  const folders: string[] = []
  for (const start of [directory, import.meta.dirname]) {
    for (let at = start; ; at = dirname(at)) {
      folders.push(join(at, 'node_modules', '.bin'))
      if (dirname(at) === at) break
    }
  }
  return folders
}

function isOnPath(tool: string, path: string): boolean {
  if (tool.includes('/')) return true // the shell says what is wrong with it
  return path.split(delimiter).some((folder) => isExecutable(join(folder, tool)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
