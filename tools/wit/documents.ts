/** The files that are generated from doc/spec/blocktree.wit, with their texts. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type HostInterface, resolveHostInterface } from './host-interface.ts'
import { parseWit } from './parse-wit.ts'
import { renderTypeScript } from './typescript.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface GeneratedDocument {
  readonly path: string
  readonly text: string
}

export function readHostInterface(): HostInterface {
  return resolveHostInterface(parseWit(readFileSync(`${root}doc/spec/blocktree.wit`, 'utf8')))
}

export function hostInterfaceDocuments(): GeneratedDocument[] {
  const host = readHostInterface()
  return [
    {
      path: 'packages/app-package/src/host-interface.ts',
      text: formatted('host-interface.ts', renderTypeScript(host))
    }
  ]
}

/** As `npm run format` leaves it. */
function formatted(name: string, text: string): string {
  const command = ['node_modules/oxfmt/bin/oxfmt', '--stdin-filepath', `packages/app-package/src/${name}`]
  const result = spawnSync(process.execPath, command, { cwd: root, input: text, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`the generated ${name} cannot be formatted: ${result.stderr}`)
  return result.stdout
}
