import { expect, test } from 'vitest'

import { describeTable, renderReference } from '@blocktree/rpc'
import { conformanceTable } from '@blocktree/rpc/conformance'

test('renderReference names every method with its parameters, result, errors and streams', () => {
  const page = renderReference(conformanceTable)
  for (const name of conformanceTable.methods.keys()) expect(page).toContain(`### \`${name}\``)
  expect(page).toContain('| `code` (optional) | string |')
  expect(page).toContain('`ERR_TEST_WANTED`')
  expect(page).toContain('Streams: upload and download')
})

test('describeTable is an OpenRPC document that JSON can carry', () => {
  const document: unknown = JSON.parse(
    JSON.stringify(describeTable(conformanceTable, { title: 'Test', version: '1' }))
  )
  expect(document).toMatchObject({ openrpc: '1.3.2', info: { title: 'Test' }, methods: expect.any(Array) })
  expect(JSON.stringify(document)).toContain('rpc.cancel')
})
