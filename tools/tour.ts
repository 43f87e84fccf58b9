/**
 * `npm run tour`: the real thing in under two minutes, told step by step. Starts a node in a temporary directory, puts a
 * real directory in, reads it back, shares with a second person, takes that back, installs an app, opens it and shuts it
 * out, kills the node in the middle of writing and looks for everything it had acknowledged.
 *
 *   --keep         leave the temporary directory behind, for a look at it
 *   --source DIR   a directory to take instead of the project's node_modules
 *
 * Exit code 0 when every step held, 1 when one did not, 130 after Ctrl-C.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildAll } from './build.ts'

const root = join(import.meta.dirname, '..')

function readWords(): { readonly keep: boolean; readonly source: string } {
  const { values } = parseArgs({ options: { keep: { type: 'boolean' }, source: { type: 'string' } } })
  return { keep: values.keep === true, source: resolve(values.source ?? join(root, 'node_modules')) }
}

async function main(): Promise<number> {
  const words = readWords()
  if (!existsSync(join(root, 'packages/cli/dist/bundle/bin.js'))) {
    console.log('The programs are not built yet; building them.')
    await buildAll()
  }
  const { runTour } = await import('./tour/run-tour.ts') // what it imports exists only after the build
  return await runTour(words)
}

process.exitCode = await main()
