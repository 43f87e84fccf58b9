import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { code, connectCoap, listenCoap, resourceOptions } from '@blocktree/coap'

test('the example of the README works as it stands there', async () => {
  const text = new TextEncoder().encode('hello')
  const server = await listenCoap('coap+tcp://127.0.0.1:0', ({ path }) =>
    path === '/greeting' ? { code: code.content, payload: text } : { code: code.notFound }
  )
  const peer = await connectCoap(server.url)
  const answer = await peer.request({ code: code.get, options: resourceOptions('/greeting') })
  expect(new TextDecoder().decode(answer.payload)).toBe('hello')
  await peer.close()
  await server.close()

  const linesOf = (source: string): string[] => source.split('\n').map((line) => line.trim())
  const own = linesOf(readFileSync(new URL(import.meta.url), 'utf8'))
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const lines = linesOf(example).filter((line) => /^(const|path|await)/.test(line))
  expect(lines).toHaveLength(7)
  for (const line of lines) expect(own).toContain(line)
})
