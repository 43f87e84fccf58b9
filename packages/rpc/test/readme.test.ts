import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import {
  bindHandlers,
  createMemoryConnection,
  createMethodTable,
  createRpcClient,
  createRpcServer,
  defineMethod,
  schema
} from '@blocktree/rpc'

test('the example of the README works as it stands there', async () => {
  const text = schema.object({ text: schema.string() })
  const summary = 'Answers with the text'
  const table = createMethodTable([defineMethod({ name: 'demo.echo', summary, params: text, result: text })])
  const server = createRpcServer({ handlers: bindHandlers(table, { 'demo.echo': (params) => params }) })

  const [near, far] = createMemoryConnection()
  far.attach(server.connect(far, 'a peer'))
  const client = createRpcClient({ connection: near, framing: 'json', table })
  near.attach(client)
  expect(await client.call('demo.echo', { text: 'hello' })).toEqual({ text: 'hello' })

  const own = readFileSync(new URL(import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trim())
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([^`]+)```/.exec(readme)?.[1] ?? ''
  const lines = example.split('\n').filter((line) => /^(const|far|near)/.test(line))
  expect(lines).toHaveLength(8)
  for (const line of lines) expect(own).toContain(line)
})
