/** The files that are generated from doc/spec/blocktree.wit, with their texts. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderAssemblyScript } from './assemblyscript.ts'
import { renderC } from './c.ts'
import { type HostInterface, resolveHostInterface } from './host-interface.ts'
import { parseWit } from './parse-wit.ts'
import { renderHostReference } from './reference-page.ts'
import { renderRust } from './rust.ts'
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
    { path: 'doc/HOST-API.md', text: renderHostReference(host) },
    {
      path: 'packages/app-package/src/host-interface.ts',
      text: formatted('host-interface.ts', renderTypeScript(host))
    },
    {
      path: 'packages/app-sdk/assemblyscript/blocktree.ts',
      text: renderAssemblyScript(host, runtime('assemblyscript.as'))
    },
    { path: 'packages/app-sdk/c/blocktree.h', text: renderC(host, runtime('c.h')) },
    { path: 'packages/app-sdk/rust/blocktree.rs', text: renderRust(host, runtime('rust.rs')) }
  ]
}

/** The part of a guest library that is written by hand. */
function runtime(name: string): string {
  return readFileSync(new URL(`runtime/${name}`, import.meta.url), 'utf8')
}

/** As `npm run format` leaves it. */
function formatted(name: string, text: string): string {
  const command = ['node_modules/oxfmt/bin/oxfmt', '--stdin-filepath', `packages/app-package/src/${name}`]
  const result = spawnSync(process.execPath, command, { cwd: root, input: text, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`the generated ${name} cannot be formatted: ${result.stderr}`)
  return result.stdout
}
