/**
 * The answering app as a WASI component of JavaScript, for `jco serve`. Run by itself, since the tools come from npm and
 * are loaded from where they are installed:
 *
 *   node bench/apps/jco-guest.ts FILE   writes the component; takes some 20 s
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jcoPackages } from './jco-served.ts'

interface Componentizer {
  componentize(source: string, options: Record<string, string>): Promise<{ readonly component: Uint8Array }>
}

const httpVersion = '0.2.10' // what the JavaScript engine of the component offers
const givenVersion = '0.2.12' // of the interfaces that come with jco; those three are the same in both
const source = `addEventListener('fetch', (event) => {
  event.respondWith(new Response('hello', { headers: { 'content-type': 'text/plain' } }))
})`

/** Interfaces as text: read from files they are not found by every version of the tools. */
function interfaceText(name: string): string {
  const file = join(jcoPackages, `jco/lib/wit/builtin/${givenVersion}/${name}/package.wit`)
  const text = readFileSync(file, 'utf8')
    .replaceAll(givenVersion, httpVersion)
    .replaceAll(/^world [^{]*\{[^}]*\}/gm, '')
  return text.replace(/^([\s\S]*?)^package ([^;]+);([\s\S]*)$/m, 'package $2 {$3}\n')
}

const tools: Componentizer = await import(join(jcoPackages, 'componentize-js/src/componentize.js'))
const world = `package local:bench;\nworld app { export wasi:http/incoming-handler@${httpVersion}; }`
const witWorld = [world, ...['wasi-http', 'wasi-io', 'wasi-clocks'].map(interfaceText)].join('\n')
const { component } = await tools.componentize(source, { witWorld, worldName: 'app', sourceName: 'app.js' })
writeFileSync(process.argv[2] ?? 'app.wasm', component)
