/** The child program itself taken over: what runs in its place speaks garbage, and the node names it and stays up. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AppRunError } from '@blocktree/app-package'
import { polite, politeGuest } from '../src/guest-modules.ts'
import { createProcessRunner } from '../src/process-runner.ts'
import { bundledProgram, compileText, temporaryDirectory } from './subject.ts'

const directory = temporaryDirectory()
const honest = bundledProgram()

const prelude = `
const fs = require('node:fs')
const say = (...bytes) => fs.writeSync(3, Buffer.from(bytes))
const frame = (...body) => say(0, 0, body.length >> 8, body.length & 255, ...body)
const hello = () => frame(0x94, 0, 2, 0, 0xa1, 0x78)
const ready = () => { hello(); listen(); frame(0x94, 3, 0, 0, 0x92, 0xc4, 0, 0) }
const listen = () => { const b = Buffer.alloc(65536); fs.readSync(3, b) }
const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
`

/** Runs `body` in the place of the child program. @returns how starting the app, or its first event, ended */
async function runImpostor(name: string, body: string): Promise<AppRunError> {
  mkdirSync(directory, { recursive: true })
  const program = join(directory, `${name}.cjs`)
  writeFileSync(program, `${prelude}\n${body}\n`)
  const runner = createProcessRunner({ program, level: 'process' })
  const started = runner.start({
    name: 'impostor',
    module: await compileText(politeGuest),
    limits: { invokeMs: 2000, payloadBytes: 10_000 },
    onHostCall: async ({ payload }) => ({ status: 0, payload })
  })
  try {
    await using app = await started
    await app.invoke(polite.echo, new Uint8Array(3))
  } catch (error) {
    return error as AppRunError
  }
  throw new Error('the impostor was believed')
}

const attacks: readonly (readonly [string, string, AppRunError['code'], RegExp])[] = [
  [
    'bytes that are no frame',
    `fs.writeSync(3, Buffer.alloc(100, 0x41)); wait()`,
    'ERR_RUN_PROTOCOL',
    /claims/
  ],
  [
    'a frame of four gigabytes',
    `hello(); say(255, 255, 255, 255); wait()`,
    'ERR_RUN_PROTOCOL',
    /claims 4294967295/
  ],
  ['a frame of no bytes', `hello(); say(0, 0, 0, 0); wait()`, 'ERR_RUN_PROTOCOL', /claims 0/],
  [
    'half a frame and then nothing',
    `ready(); listen(); say(0, 0, 1, 0, 0x94); wait()`,
    'ERR_RUN_DEADLINE',
    /2000 ms/
  ],
  ['half a frame and then the end', `hello(); say(0, 0, 1, 0, 0x94)`, 'ERR_RUN_CRASHED', /status 0/],
  [
    'the result of loading once more',
    `ready(); listen(); frame(0x94, 3, 0, 0, 0x92, 0xc4, 0, 0); wait()`,
    'ERR_RUN_PROTOCOL',
    /id 0, expected 1/
  ],
  [
    'the result of another invocation',
    `ready(); listen(); frame(0x94, 3, 9, 0, 0x92, 0xc4, 0, 0); wait()`,
    'ERR_RUN_PROTOCOL',
    /id 9, expected 1/
  ],
  [
    'a forged host reply',
    `ready(); listen(); frame(0x94, 5, 1, 0, 0xc4, 0); wait()`,
    'ERR_RUN_PROTOCOL',
    /type 5/
  ],
  [
    'two host calls at once',
    `ready(); listen(); const call = (id) => [0, 0, 0, 6, 0x94, 4, id, 1, 0xc4, 0]; say(...call(1), ...call(2)); wait()`,
    'ERR_RUN_PROTOCOL',
    /asking/
  ],
  [
    'a type that does not exist',
    `ready(); listen(); frame(0x94, 99, 1, 0, 0xc4, 0); wait()`,
    'ERR_RUN_PROTOCOL',
    /99/
  ],
  [
    'a map in the place of a payload',
    `ready(); listen(); frame(0x94, 4, 1, 1, 0x81, 0xa1, 0x78, 1); wait()`,
    'ERR_RUN_PROTOCOL',
    /bin/
  ],
  ['deep nesting', `ready(); listen(); frame(...Array(200).fill(0x91)); wait()`, 'ERR_RUN_PROTOCOL', /array/],
  [
    'a payload above the limit',
    `ready(); listen(); const b = Buffer.alloc(10016); b.set([0, 0, 0x27, 0x1c, 0x94, 4, 1, 1, 0xc5, 0x27, 0x14]); fs.writeSync(3, b); wait()`,
    'ERR_RUN_PROTOCOL',
    /bytes/
  ],
  ['a hello of the other engine', `frame(0x94, 0, 2, 1, 0xa0); wait()`, 'ERR_RUN_PROTOCOL', /wasmtime/],
  [
    'a flood of log',
    `ready(); listen(); const b = Buffer.alloc(8 + 3 + 8000, 65); b.set([0, 0, 0x1f, 0x47, 0x94, 6, 0, 1, 0xc5, 0x1f, 0x40]); for (;;) fs.writeSync(3, b)`,
    'ERR_RUN_PROTOCOL',
    /flood|rules/
  ],
  ['a closed channel', `ready(); listen(); fs.closeSync(3); wait()`, 'ERR_RUN_DEADLINE', /./],
  [
    'an exit in the middle',
    `ready(); listen(); process.exit(5)`,
    'ERR_RUN_CRASHED',
    /status 5 while serving/
  ],
  ['an abort', `hello(); process.abort()`, 'ERR_RUN_CRASHED', /SIG|status/]
]

/** Starts an impostor that loads well, then gives it `count` events at once. @returns how each ended, by its code */
async function giveEvents(
  name: string,
  body: string,
  count: number
): Promise<{ readonly ends: readonly string[]; readonly cause: AppRunError | undefined }> {
  mkdirSync(directory, { recursive: true })
  const program = join(directory, `${name}.cjs`)
  writeFileSync(program, `${prelude}\n${body}\n`)
  await using app = await createProcessRunner({ program, level: 'process' }).start({
    name: 'impostor',
    module: await compileText(politeGuest),
    limits: { invokeMs: 300 },
    onHostCall: async ({ payload }) => ({ status: 0, payload })
  })
  const ends = Array.from({ length: count }, (_, index) =>
    app.invoke(polite.echo, Uint8Array.of(index)).then(
      (answer) => `answered ${answer.join()}`,
      (error: AppRunError) => error.code
    )
  )
  return { ends: await Promise.all(ends), cause: app.lastFailure }
}

describe('a child program that was taken over', () => {
  for (const [index, [what, body, code, reason]] of attacks.entries()) {
    test(`${what} ends as ${code}`, async () => {
      const error = await runImpostor(`attack-${index}`, body)
      expect(error.code, error.message).toBe(code)
      expect(error.message).toMatch(reason)
    })
  }

  test('an answer to an event that was sent ahead, before its turn, ends all that it was given', async () => {
    const body = `ready(); listen(); frame(0x94, 3, 2, 0, 0x92, 0xc4, 0, 0); wait()`
    const { ends } = await giveEvents('early', body, 3)
    expect(ends).toEqual(['ERR_RUN_PROTOCOL', 'ERR_RUN_PROTOCOL', 'ERR_RUN_PROTOCOL'])
  })

  test('an answer beyond what was sent ends it; those before it were taken', async () => {
    const answers = [1, 2, 3].map((id) => `0, 0, 0, 9, 0x94, 3, ${id}, 0, 0x92, 0xc4, 1, ${id}, 0`)
    const body = `ready(); listen(); say(${answers.join()}); wait()`
    const { ends, cause } = await giveEvents('many', body, 2)
    expect(ends).toEqual(['answered 1', 'answered 2'])
    expect(cause?.code).toBe('ERR_RUN_PROTOCOL')
    expect(cause?.message).toMatch(/result while waiting/)
  })

  test('of events sent ahead, only those that had not begun are given to another process', async () => {
    // Each process answers its first event alone and then is still: the second begins, and takes the process with it.
    const body = `ready(); listen(); frame(0x94, 3, 1, 0, 0x92, 0xc4, 1, 7, 0); wait()`
    const { ends } = await giveEvents('slow', body, 4)
    expect(ends.map((end) => end.replace(/ .*/, ''))).toEqual([
      'answered',
      'ERR_RUN_DEADLINE',
      'answered',
      'ERR_RUN_DEADLINE'
    ])
  })

  test('the node serves other apps while one floods it', async () => {
    const program = join(directory, 'flood.cjs')
    writeFileSync(program, `${prelude}\nready(); listen(); for (;;) fs.writeSync(3, Buffer.alloc(65536))`)
    const flooding = createProcessRunner({ program, level: 'process' })
    const module = await compileText(politeGuest)
    const onHostCall = async ({
      payload
    }: {
      payload: Uint8Array
    }): Promise<{ status: number; payload: Uint8Array }> => ({ status: 0, payload })
    await using quiet = await createProcessRunner({ program: honest, level: 'process' }).start({
      name: 'quiet',
      module,
      onHostCall
    })
    await using loud = await flooding.start({ name: 'loud', module, onHostCall })
    const failed = loud.invoke(polite.echo, new Uint8Array(3)).catch((error: AppRunError) => error.code)
    expect(await quiet.invoke(polite.echo, Uint8Array.of(1))).toEqual(Uint8Array.of(1))
    expect(await failed).toBe('ERR_RUN_PROTOCOL')
  })
})
