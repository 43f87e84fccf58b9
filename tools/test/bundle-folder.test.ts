import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishBundle, stageBundle } from '../bundle-folder.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'blocktree-bundle-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A program that loads its chunk when it is first needed, as the node does. */
function build(text: string, now?: Date): string {
  const staged = stageBundle(directory)
  writeFileSync(join(staged, 'chunk.js'), `export const text = ${JSON.stringify(text)}`)
  writeFileSync(join(staged, 'bin.js'), "globalThis.lateChunk = () => import('./chunk.js')")
  return publishBundle(directory, staged, now)
}

async function start(): Promise<() => Promise<{ readonly text: string }>> {
  const entry = pathToFileURL(join(directory, 'bin.js')).href
  await import(`${entry}?${Math.random()}`)
  return Reflect.get(globalThis, 'lateChunk')
}

describe('publishBundle', () => {
  test('leaves a running program the chunks of its own build, and starts the newest one', async () => {
    build('first')
    const running = await start()
    build('second')
    expect((await running()).text).toBe('first')
    expect((await (await start())()).text).toBe('second')
  })

  test('keeps one folder for builds that do not differ, and no unfinished ones', () => {
    expect(build('same')).toBe(build('same'))
    expect(readdirSync(directory)).toHaveLength(2)
  })

  test('removes builds when there are many, the oldest first, and what a killed build left', () => {
    const killed = stageBundle(directory)
    utimesSync(killed, new Date(0), new Date(0))
    const names = Array.from({ length: 14 }, (_, day) => build(`day ${day}`, new Date(2026, 1, 1 + day)))
    const left = readdirSync(directory)
    expect(left.filter((name) => name.startsWith('build-')).sort()).toEqual(names.slice(2).sort())
    expect(left).toHaveLength(13)
  })
})
