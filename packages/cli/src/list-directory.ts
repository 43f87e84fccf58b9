/** All entries of a directory, page after page, without holding more than one page. */
import type { FileStatus } from '@blocktree/node/method-table'
import type { NodeClient } from './node-client.ts'

const pageSize = 1000

export async function* listDirectory(
  node: NodeClient,
  path: string,
  order: 'id' | 'name' = 'name'
): AsyncGenerator<FileStatus> {
  let cursor: string | undefined
  do {
    const page = await node.call('file.list', {
      path,
      order,
      limit: pageSize,
      ...(cursor === undefined ? {} : { cursor })
    })
    yield* page.entries
    cursor = page.cursor
  } while (cursor !== undefined)
}
