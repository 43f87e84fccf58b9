/**
 * `node --conditions=source tools/wasm-spec-tests.ts DIRECTORY|FILE…`: runs the test scripts of the WebAssembly
 * specification twice, as they are and with every module instrumented, and compares each step. The suite is not in this
 * repository; it is `test/core` or `spectec/test-interpreter/spec-test-2` of github.com/WebAssembly/spec.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Tally, createTally, runScript } from './wasm-spec/run-script.ts'

function scriptsIn(path: string): readonly string[] {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wast'))
    .map((name) => join(path, name))
    .toSorted()
}

function report(tally: Tally, scripts: number, unreadable: readonly string[]): void {
  console.log(`scripts               ${scripts}`)
  console.log(`modules run           ${tally.modules}`)
  console.log(`results equal         ${tally.equal}`)
  console.log(`invalid ones refused  ${tally.refused}`)
  console.log(`results different     ${tally.failures.length}`)
  console.log(`not tried             ${tally.skipped}`)
  console.log(`plain not as expected ${tally.plainDiffers}`)
  for (const [reason, count] of tally.excluded) console.log(`excluded              ${count} ${reason}`)
  for (const script of unreadable) console.log(`unreadable            ${script}`)
  for (const failure of tally.failures) console.log(`different             ${failure}`)
}

function main(paths: readonly string[]): number {
  if (paths.length === 0) {
    console.error('usage: wasm-spec-tests.ts DIRECTORY|FILE…')
    return 2
  }
  const tally = createTally()
  const unreadable: string[] = []
  let scripts = 0
  for (const path of paths) {
    for (const file of scriptsIn(path)) {
      scripts++
      const name = relative(path, file) || file
      try {
        runScript(name, readFileSync(file, 'utf8'), tally)
      } catch (error) {
        unreadable.push(`${name}: ${String(error)}`)
      }
    }
  }
  report(tally, scripts, unreadable)
  return tally.failures.length === 0 && tally.equal > 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
