/** The requests of doc/spec/21-gateway.md, byte for byte. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppRequest } from '../src/index.ts'
import { type Fixture, app, openGateway, parseAnswer } from './gateway-fixture.ts'

interface Case {
  readonly comment: string
  readonly request: string
  readonly status: number
  readonly app?: { readonly body: string; readonly [field: string]: unknown }
}

const file = new URL('../../../doc/spec/vectors/gateway.json', import.meta.url)
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly groups: Readonly<Record<string, readonly Case[]>>
}
const asked: Record<string, unknown>[] = []
let fixture: Fixture

beforeAll(async () => {
  const handle = async ({ method, path, query, headers, body }: AppRequest) => {
    const parts = body instanceof Uint8Array ? [body] : await Array.fromAsync(body)
    asked.push({ method, path, query, headers, body: Buffer.concat(parts).toString() })
    return { status: 200, headers: [], body: new Uint8Array(0) }
  }
  fixture = await openGateway(app({ handle }), { hosts: { publicName: 'home.example' } })
})
afterAll(() => fixture.gateway.close(0))

for (const [group, cases] of Object.entries(groups)) {
  describe(`vectors of ${group}`, () => {
    test.each(cases)('$comment: $status', async ({ request, status, app: wanted }) => {
      asked.length = 0
      const answer = await fixture.raw(Buffer.from(request, 'hex').toString('latin1'))
      expect([parseAnswer(answer).status, asked]).toEqual([status, wanted === undefined ? [] : [wanted]])
    })
  })
}
