/** `app simulate`: a package, or the project that makes one, on simulated nodes; a program of its own does it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { packProject, readAppProject } from '../app-project.ts'
import { authorKeyFile, openAuthorKey } from '../author-key.ts'
import { buildApp } from '../build-app.ts'
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { readLocalFile } from '../local-file.ts'
import { localPath } from '../local-path.ts'
import { simulatorProgram } from '../simulator-program.ts'

export async function run(context: CommandContext): Promise<number> {
  const source = context.arguments[0] ?? '.'
  const words = wordsOf(context)
  const program = simulatorProgram()
  const bytes = await readApp(context, source)
  const again = ['blocktree app simulate', shellWord(source), ...words.map(shellWord)].join(' ')
  const flags = context.output.isJson ? ['--json'] : []
  const child = spawn(process.execPath, [program, '--again', again, ...words, ...flags], {
    stdio: ['pipe', 'inherit', 'inherit'],
    cwd: context.workingDirectory,
    env: context.environment
  })
  const stop = (): void => void child.kill('SIGTERM')
  context.signal.addEventListener('abort', stop, { once: true })
  child.stdin.on('error', () => undefined) // it ended before it had read all, and says why
  child.stdin.end(bytes)
  await once(child, 'exit')
  context.signal.removeEventListener('abort', stop)
  return context.signal.aborted ? exitCode.interrupted : (child.exitCode ?? exitCode.failure)
}

/** What is given to the program, and shown as the command that repeats the run. */
function wordsOf({ options }: CommandContext): readonly string[] {
  const words = ['--seed', String(options.integer('seed', 0) ?? 1)]
  words.push('--nodes', String(options.integer('nodes', 1) ?? 2))
  words.push('--faults', options.text('faults') ?? 'crash,net')
  for (const name of ['hours', 'script']) {
    const value = options.text(name)
    if (value !== undefined) words.push(`--${name}`, value)
  }
  return words
}

/** A project is built and packed first. */
async function readApp(context: CommandContext, source: string): Promise<Uint8Array> {
  const { loadCrypto } = await import('@blocktree/node/author')
  const { verifyPackage } = await import('@blocktree/node/verify-package')
  const bytes = isFolder(context, source)
    ? await packFolder(context, localPath(context, source))
    : readLocalFile(context, source)
  await verifyPackage(await loadCrypto(), bytes) // what no node would take is said here
  return bytes
}

async function packFolder(context: CommandContext, directory: string): Promise<Uint8Array> {
  const project = readAppProject(directory)
  await buildApp(project, context.environment)
  const author = await openAuthorKey(context, authorKeyFile(context, directory))
  try {
    return packProject(project, author)
  } finally {
    author.close()
  }
}

function isFolder(context: CommandContext, source: string): boolean {
  return statSync(localPath(context, source), { throwIfNoEntry: false })?.isDirectory() === true
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
