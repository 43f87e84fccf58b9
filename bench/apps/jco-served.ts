/** The answering app under `jco serve` (npm install --prefix bench): the peer of the section of apps. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Place } from './served.ts'

export const jcoPackages: string = join(import.meta.dirname, '../node_modules/@bytecodealliance')
const startMs = 60_000 // the component is translated first

/** What is missing to run it. */
export function missingJco(): string | undefined {
  const isThere = ['jco', 'componentize-js', 'preview2-shim'].every((name) =>
    existsSync(join(jcoPackages, name))
  )
  return isThere ? undefined : 'jco is not installed (npm install --prefix bench)'
}

/** @param directory scratch place for the component and its translation */
export async function serveWithJco(directory: string): Promise<Place> {
  const component = join(directory, 'jco-app.wasm')
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'jco-guest.ts'), component])
  const port = await freePort()
  // An instance of a component of this kind answers one request: the next one needs another.
  const words = [
    'serve',
    component,
    '--port',
    String(port),
    '--host',
    '127.0.0.1',
    '--isolate-requests',
    'instance'
  ]
  const program = join(jcoPackages, 'jco/dist/jco.js')
  const translated = ['--jco-dir', join(directory, 'jco-app')]
  const server = spawn(process.execPath, [program, ...words, ...translated], {
    stdio: 'ignore',
    detached: true
  })
  const exited = once(server, 'exit')
  const stop = async (): Promise<void> => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL') // it serves from a process of its own
    await exited
  }
  const deadline = performance.now() + startMs
  while (!(await answers(port))) {
    if (performance.now() < deadline && server.exitCode === null) await sleep(200)
    else {
      await stop()
      throw new Error('jco serve did not begin to answer')
    }
  }
  return { port, [Symbol.asyncDispose]: stop }
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
    return (await answer.text()) === 'hello'
  } catch {
    return false // not yet
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
