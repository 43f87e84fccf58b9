import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { methodNames } from '../src/method-names.ts'

const page = readFileSync(new URL('../../../doc/spec/28-sync.md', import.meta.url), 'utf8')

test('everything that page 28 lists is registered, and nothing else', () => {
  for (const [kind, names] of [
    ['request', methodNames.requests],
    ['stream', methodNames.streams],
    ['event', methodNames.events]
  ] as const) {
    const listed = [...page.matchAll(/^\| `(sync\.\w+)` \| (\w+) \|/gm)].filter(([, , is]) => is === kind)
    expect(listed.map(([, name]) => name).toSorted()).toEqual(names.toSorted())
  }
})
