import { hostStatus } from '@blocktree/app-package'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openHost } from './host-fixture.ts'

describe('every call', () => {
  test('that is no operation of this version is unsupported', async () => {
    const host = await openHost()
    expect((await host.raw(9999, new Uint8Array(0))).status).toBe(hostStatus.unsupported)
  })

  test('whose bytes are anything at all is answered with a status', async () => {
    const host = await openHost()
    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.uint8Array({ maxLength: 200 }), async (op, payload) => {
        const { status } = await host.raw(op, payload)
        expect(Number.isInteger(status)).toBe(true)
      }),
      { numRuns: 400 }
    )
  })

  test('that fails in the node tells the guest nothing of it', async () => {
    const host = await openHost()
    host.files.stat = () => Promise.reject(new Error('disk at /dev/secret'))
    const answer = await host.call('files.stat', { path: '/data/a' })
    expect(answer).toMatchObject({ status: hostStatus.internal })
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(host.lines.at(-1)).toMatchObject({ level: 'error', source: 'host' })
  })
})
