/**
 * What JavaScript that took over the child program could still do, at each level that this machine offers, as the process
 * of either engine is started: that of wasmtime may load native code, since its engine is that.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { politeGuest } from '../src/guest-modules.ts'
import { probeLevels } from '../src/probe-levels.ts'
import { createProcessRunner } from '../src/process-runner.ts'
import type { EngineName } from '../src/frame-type.ts'
import { type SandboxLevel, sandboxLevels } from '../src/spawn-command.ts'
import { compileText, temporaryDirectory, wasmtimeLibrary } from './subject.ts'

const directory = temporaryDirectory()
const library = await wasmtimeLibrary()
const levels = probeLevels({ hasFilter: true })

interface Ground {
  readonly level: SandboxLevel
  readonly engine: EngineName
}

/** Runs JavaScript in a sandbox process; `report` becomes the reason of its end. */
async function runInside({ level, engine }: Ground, name: string, body: string): Promise<string> {
  mkdirSync(directory, { recursive: true })
  const program = join(directory, `${name}-${level}-${engine}.cjs`)
  writeFileSync(
    program,
    `const fs = require('node:fs')
function report(text) {
  const message = Buffer.from(String(text).slice(0, 200).padEnd(40), 'latin1')
  const body = Buffer.concat([Buffer.from([0x94, 7, 0, 1, 0xd9, message.length]), message])
  const length = Buffer.alloc(4); length.writeUInt32BE(body.length)
  fs.writeSync(3, Buffer.concat([length, body]))
  process.exit(0)
}
function attempt(act) { try { return 'done: ' + act() } catch (error) { return 'refused: ' + (error.code ?? error.message) } }
${body}`
  )
  const runner = createProcessRunner({
    program,
    level,
    levels,
    engine,
    ...(library === undefined ? {} : { library })
  })
  const error: unknown = await runner
    .start({
      name: 'inside',
      module: await compileText(politeGuest),
      onHostCall: async ({ payload }) => ({ status: 0, payload })
    })
    .catch((reason: unknown) => reason)
  return error instanceof Error ? error.message : 'it started'
}

for (const level of sandboxLevels) {
  if (!levels.available.includes(level)) {
    describe.skip(`level ${level}, needs bubblewrap: ${levels.reasons[level] ?? 'unknown'}`, () =>
      test('absent', () => undefined))
    continue
  }
  testConfinement({ level, engine: 'v8' })
  if (library !== undefined) testConfinement({ level, engine: 'wasmtime' })
}

if (library === undefined) {
  describe.skip('confinement of wasmtime (needs libwasmtime, see tools/setup-extras)', () =>
    test('absent', () => undefined))
}

function testConfinement(ground: Ground): void {
  const { level, engine } = ground
  describe(`confinement at level ${level}, ${engine}`, () => {
    test('the environment is empty', async () => {
      const body = `report(Object.keys(process.env).filter((name) => name !== 'PWD').join() || 'empty')`
      expect(await runInside(ground, 'environment', body)).toMatch(/empty +$/)
    })

    test('files of the host cannot be read', async () => {
      const secret = join(directory, 'secret.txt')
      writeFileSync(secret, 'secret')
      const body = `report(attempt(() => fs.readFileSync(${JSON.stringify(secret)}, 'latin1')))`
      expect(await runInside(ground, 'read', body)).toMatch(/refused: (ERR_ACCESS_DENIED|ENOENT|EACCES)/)
    })

    test('files cannot be written', async () => {
      const target = join(directory, `written-${level}-${engine}`)
      const body = `report(attempt(() => fs.writeFileSync(${JSON.stringify(target)}, 'x')))`
      expect(await runInside(ground, 'write', body)).toMatch(/refused/)
      expect(() => readFileSync(target)).toThrow('ENOENT')
    })

    test('no process can be started', async () => {
      const body = `report(attempt(() => { const { error, status } = require('node:child_process').spawnSync('/bin/true'); if (error) throw error; return status }))`
      expect(await runInside(ground, 'spawn', body)).toMatch(/refused/)
    })

    test('no worker can be started', async () => {
      const body = `report(attempt(() => new (require('node:worker_threads').Worker)('1', { eval: true })))`
      expect(await runInside(ground, 'worker', body)).toMatch(/refused/)
    })

    if (engine === 'v8')
      test('native code cannot be loaded', async () => {
        const body = `report(attempt(() => require('node:ffi').dlopen('libc.so.6')))`
        expect(await runInside(ground, 'native', body)).toMatch(/refused/)
      })

    test('text does not become code', async () => {
      expect(await runInside(ground, 'eval', `report(attempt(() => eval('1+1')))`)).toMatch(/refused/)
    })

    test('nothing can be reached by network', async () => {
      await using server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => {
        server.once('listening', resolve)
      })
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const body = `try { const s = require('node:net').connect(${port}, '127.0.0.1')
s.on('connect', () => report('done: connected')); s.on('error', (error) => report('refused: ' + error.code))
} catch (error) { report('refused: ' + error.code) }`
      expect(await runInside(ground, 'network', body)).toMatch(/refused/)
    })

    test('descriptors run out in the process, not in the node', async () => {
      const body = `let count = 0; const own = __filename
report(attempt(() => { try { for (;;) { fs.openSync(own); count++ } } catch (error) { return count + ' ' + error.code } }))`
      const outcome = await runInside(ground, 'descriptors', body)
      expect(outcome).toMatch(/done: \d+ EMFILE/)
      expect(Number(/done: (\d+)/.exec(outcome)?.[1])).toBeLessThan(32)
    })

    test('the terminal of the node is out of reach', async () => {
      const body = `report(attempt(() => fs.openSync('/dev/tty', 'r+')))`
      expect(await runInside(ground, 'terminal', body)).toMatch(/refused: (ERR_ACCESS_DENIED|ENOENT|EPERM)/)
    })

    if (level !== 'process') {
      test('processes of the host cannot be seen', async () => {
        const body = `report(attempt(() => { process.kill(${process.pid}, 0); return 'seen' }))`
        expect(await runInside(ground, 'kill', body)).toMatch(/refused: (ESRCH|EPERM)/)
      })
    }
  })
}
