/**
 * Writes doc/RPC.md from the method table, doc/CLI.md from the command table and what derives from doc/spec/blocktree.wit,
 * so that none can disagree with the program. `--check` only compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commandTable } from '../packages/cli/src/command-table.ts'
import { reference } from '../packages/cli/src/help.ts'
import { nodeMethodTable } from '../packages/node/src/method-table.ts'
import { renderReference } from '../packages/rpc/src/index.ts'
import { hostInterfaceDocuments } from './wit/documents.ts'

const documents = [
  { path: 'doc/RPC.md', text: `${renderReference(nodeMethodTable).trimEnd()}\n` },
  { path: 'doc/CLI.md', text: `${reference(commandTable).trimEnd()}\n` },
  ...hostInterfaceDocuments()
]

const isCheck = process.argv.includes('--check')
for (const { path, text } of documents) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  if (!isCheck) writeFileSync(file, text)
  else if (read(file) !== text) {
    console.error(`${path} is not what the tables say; run npm run reference`)
    process.exitCode = 1
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
