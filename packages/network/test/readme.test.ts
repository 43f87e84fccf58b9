import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createTlsNetwork } from '@blocktree/network/tls'

test('the example of the README works as it stands there', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  expect(example).toContain("connection.request('echo', bytes('hello'), { timeoutMs: 1000 })")
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const there = await createTlsNetwork({
    seed: new Uint8Array(32).fill(1),
    listen: ['/ip4/127.0.0.1/tcp/0/tls']
  })
  there.onConnection((connection) =>
    connection.serve({
      request: (method, body) => Promise.resolve(method === 'echo' ? body : bytes('what?')),
      event: () => {},
      async *stream() {
        yield await Promise.resolve(bytes('one'))
        yield bytes('two')
      }
    })
  )
  const here = await createTlsNetwork({ seed: new Uint8Array(32).fill(2) })
  const connection = await here.dial(there.addresses()[0] ?? '')
  expect(await connection.request('echo', bytes('hello'), { timeoutMs: 1000 })).toEqual(bytes('hello'))
  expect(await Array.fromAsync(connection.pull('numbers', bytes('')))).toEqual([bytes('one'), bytes('two')])
  await Promise.all([here.close(), there.close()])
})
