import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openBlockStore, startBlockServer } from '@blocktree/eris-store'

test('the example of the README works as it stands there', async () => {
  const server = await startBlockServer({ listen: ['coap+tcp://127.0.0.1:0'], stores: ['memory:'] })
  const store = await openBlockStore(`memory:?cache ${server.urls[0]}`)
  expect(store.permissions.get).toBe(true)
  await store.close()
  await server.close()

  const linesOf = (source: string): string[] => source.split('\n').map((line) => line.trim())
  const own = linesOf(readFileSync(new URL(import.meta.url), 'utf8'))
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const lines = linesOf(example).filter((line) => /^(const|await)/.test(line))
  expect(lines).toHaveLength(4)
  for (const line of lines) expect(own).toContain(line)
})
