import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { readAppProject } from '../src/app-project.ts'
import { buildApp } from '../src/build-app.ts'

const hits = fileURLToPath(new URL('../../../apps/hits', import.meta.url))
const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true })
})

/** The sources of hits, with another build command. */
function project(build: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'build-app-'))
  made.push(directory)
  for (const file of ['app.json', 'app.wat']) cpSync(join(hits, file), join(directory, file))
  const source = JSON.parse(readFileSync(join(directory, 'app.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(directory, 'app.json'), JSON.stringify({ ...source, build }))
  return directory
}

const build = (directory: string): ReturnType<typeof buildApp> =>
  buildApp(readAppProject(directory), process.env)

describe('buildApp', () => {
  test('makes the directory of the module, and the module', async () => {
    const directory = project('npx wat2wasm app.wat -o build/app.wasm')
    await build(directory)
    expect(existsSync(join(directory, 'build', 'app.wasm'))).toBe(true)
  })

  test('refuses a command that ends well and makes nothing, though an older module is there', async () => {
    const directory = project('echo out of luck')
    mkdirSync(join(directory, 'build'))
    writeFileSync(join(directory, 'build', 'app.wasm'), 'old')
    await expect(build(directory)).rejects.toMatchObject({
      code: 'ERR_APP_BUILD',
      message: expect.stringContaining('out of luck')
    })
  })

  test('refuses a command that fails, and one that is not there', async () => {
    await expect(build(project('false'))).rejects.toMatchObject({ code: 'ERR_APP_BUILD' })
    await expect(build(project('no-such-compiler app.wat'))).rejects.toMatchObject({ code: 'ERR_APP_BUILD' })
  })
})
