/** Passphrases: from a file, from BLOCKTREE_PASSPHRASE, or asked for on the terminal without echo. */
import { readFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'

export interface SecretOptions {
  readonly prompt: string
  /** The option that names a file. */
  readonly option?: string
  /** Asked for twice when a person types it. */
  readonly isNew?: boolean
  /** Whether BLOCKTREE_PASSPHRASE may say it; default true. */
  readonly fromVariable?: boolean
}

/** @throws ERR_PASSPHRASE_ABSENT, ERR_LOCAL_FILE */
export async function readSecret(context: CommandContext, options: SecretOptions): Promise<string> {
  const { option = 'passphrase-file', prompt, isNew = false, fromVariable = true } = options
  const file = context.options.text(option)
  if (file !== undefined) return readFirstLine(file)
  const variable = fromVariable ? context.environment['BLOCKTREE_PASSPHRASE'] : undefined
  if (variable !== undefined && variable !== '') return variable
  if (!process.stdin.isTTY) {
    throw new CliError('ERR_PASSPHRASE_ABSENT', 'a passphrase is needed and there is no terminal to ask on', {
      advice: `give --${option} FILE${fromVariable ? ' or BLOCKTREE_PASSPHRASE' : ''}`
    })
  }
  const secret = await askHidden(`${prompt}: `)
  if (!isNew || secret === (await askHidden(`${prompt}, again: `))) return secret
  throw new CliError('ERR_ARGUMENT_VALUE', 'the two passphrases differ')
}

function readFirstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? ''
  } catch (cause) {
    throw new CliError(
      'ERR_LOCAL_FILE',
      `cannot read "${file}": ${cause instanceof Error ? cause.message : ''}`,
      { cause }
    )
  }
}

/** Raw mode: nothing is echoed; backspace and Ctrl-C work. */
async function askHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(prompt)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  let text = ''
  const answered = Promise.withResolvers<string>()
  const onData = (typed: string): void => {
    for (const character of typed) {
      if (character === '\r' || character === '\n') return answered.resolve(text)
      if (character === '\u0003' || character === '\u0004') {
        return answered.reject(new CliError('ERR_PASSPHRASE_ABSENT', 'no passphrase was given'))
      }
      if (character === '\u007f' || character === '\b') text = [...text].slice(0, -1).join('')
      else text += character
    }
  }
  stdin.on('data', onData)
  try {
    return await answered.promise
  } finally {
    stdin.off('data', onData)
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}
