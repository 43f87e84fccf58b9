/** The guest libraries and templates that come with this program. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { CliError } from './cli-error.ts'

/** Every file as text by its path with `/`. @throws ERR_LOCAL_FILE when they are not installed */
export function readAppSdk(): Map<string, string> {
  const directory = findSdk()
  const texts = new Map<string, string>()
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = join(directory, name)
    if (statSync(file).isFile())
      texts.set(relative(directory, file).split(sep).join('/'), readFileSync(file, 'utf8'))
  }
  return texts
}

/** `packages/app-sdk`, seen from the sources, the emitted files and the bundle alike. */
function findSdk(): string {
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    const directory = join(at, 'app-sdk')
    if (existsSync(join(directory, 'templates'))) return directory
  }
  throw new CliError('ERR_LOCAL_FILE', 'the templates of apps are missing: install Blocktree again')
}
