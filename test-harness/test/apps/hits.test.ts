/** Hits in a real node. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InstalledApp } from '../../src/installed-app.ts'
import { type AppNode, buildApp, moduleOf, startAppNode } from './app-fixture.ts'

let home: AppNode
let hits: InstalledApp

beforeAll(async () => {
  home = await startAppNode()
  hits = await home.install('hits')
})
afterAll(() => home[Symbol.asyncDispose]())

describe('hits', () => {
  test('is smaller than 2 KiB, and the same sources give the same package', () => {
    expect(moduleOf('hits').length).toBeLessThan(2048)
    const before = readFileSync(buildApp('hits'))
    expect(readFileSync(buildApp('hits')).equals(before)).toBe(true)
  })

  test('answers with the count as text', async () => {
    const first = await hits.ask('/')
    expect(first).toMatchObject({ status: 200, text: '1\n' })
    expect(first.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': '2'
    })
    expect((await hits.ask('/')).text).toBe('2\n')
  })

  test('counts each of many requests at once, over the widths of numbers', async () => {
    const answers: number[] = []
    const client = async (): Promise<void> => {
      for (let round = 0; round < 40; round++) answers.push(Number((await hits.ask('/')).text))
    }
    await Promise.all(Array.from({ length: 8 }, client))
    expect(answers.toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 320 }, (_, index) => index + 3)
    )
  })

  test('counts neither other paths nor other methods', async () => {
    expect((await hits.ask('/favicon.ico')).status).toBe(404)
    expect((await hits.ask('/', { method: 'POST', body: 'x' })).status).toBe(405)
    expect((await hits.ask('/', { method: 'HEAD' })).status).toBe(405)
    expect((await hits.ask('/')).text).toBe('323\n')
  })

  test('goes on counting where it was after its process and the node were started again', async () => {
    await home.node.call('app.restart', { name: 'hits' })
    expect((await hits.ask('/')).text).toBe('324\n')
    await home.node.restart()
    await hits.find()
    expect((await hits.ask('/')).text).toBe('325\n')
  })
})
