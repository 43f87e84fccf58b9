import { describe, expect, test } from 'vitest'
import { testAppRunner } from '../src/conformance.ts'
import { createMemoryRunner, createScriptedRunner } from '../src/memory.ts'
import { compileText } from './subject.ts'

testAppRunner('memory', { runner: createMemoryRunner(), compile: compileText })

describe('createScriptedRunner', () => {
  test('runs a function in the place of a guest', async () => {
    const runner = createScriptedRunner(async (kind, payload, host) => {
      const reply = await host.call(kind, payload)
      return Uint8Array.of(reply.status, ...reply.payload)
    })
    const app = await runner.start({
      name: 'scripted',
      module: new Uint8Array(0),
      onHostCall: async ({ op, payload }) => ({ status: op, payload })
    })
    expect(await app.invoke(5, Uint8Array.of(1, 2))).toEqual(Uint8Array.of(5, 1, 2))
  })

  test('takes a rejection of the function for a trap', async () => {
    const runner = createScriptedRunner(async () => await Promise.reject(new Error('broken')))
    const app = await runner.start({
      name: 'scripted',
      module: new Uint8Array(0),
      onHostCall: async ({ payload }) => ({ status: 0, payload })
    })
    await expect(app.invoke(5, new Uint8Array(0))).rejects.toMatchObject({ code: 'ERR_RUN_TRAP' })
  })
})
