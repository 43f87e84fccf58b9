/** Where the author's key lies: --key, author.key of the project, else the one of this user. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Author } from '@blocktree/node/author'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { localPath } from './local-path.ts'

const suffix = '.key'
const fileName = `author${suffix}`

export function authorKeyFile(context: CommandContext, project?: string): string {
  const chosen = context.options.text('key')
  if (chosen !== undefined) return localPath(context, chosen)
  const own = project === undefined ? undefined : join(project, fileName)
  if (own !== undefined && existsSync(own)) return own
  const { HOME, XDG_CONFIG_HOME } = context.environment
  const isSet = XDG_CONFIG_HOME !== undefined && isAbsolute(XDG_CONFIG_HOME)
  return join(isSet ? XDG_CONFIG_HOME : join(HOME ?? homedir(), '.config'), 'blocktree', fileName)
}

/** Makes the key when there is none, and says so. @throws ERR_OPTION_VALUE */
export async function openAuthorKey(context: CommandContext, file: string): Promise<Author> {
  if (!file.endsWith(suffix))
    throw new CliError('ERR_OPTION_VALUE', `the name of a key file ends with ${suffix}, not "${file}"`)
  const { openAuthor } = await import('@blocktree/node/author')
  const author = await openAuthor({ folder: dirname(file), name: basename(file, suffix) })
  if (author.isNew)
    context.output.note(`Made the author key ${file}. Keep a copy: only who has it can publish upgrades.`)
  return author
}
