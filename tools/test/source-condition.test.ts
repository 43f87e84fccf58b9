import { expect, test } from 'vitest'
import { parseId } from '@blocktree/codec'

test('tests run the sources of our packages, never what was emitted earlier', () => {
  let stack = ''
  try {
    parseId('')
  } catch (error) {
    stack = (error as Error).stack ?? ''
  }
  expect(stack).toContain('packages/codec/src/identifier.ts')
  expect(stack).not.toContain('packages/codec/dist')
})
