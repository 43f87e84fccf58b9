/**
 * Depth-first walk over what the view shows below a block. Memory is one page of ids for each level, however large a
 * directory is. What happens to a block between two visits is the visitor's matter: it looks up the state itself.
 */
import { type Id, blockKind } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { pathDepthMax } from './limits.ts'
import { placeOf } from './resolve-path.ts'

const pageSize = 256

export interface TreeVisitor<Carried> {
  /** Before the children. @returns what is handed to the children's visits; undefined skips the block */
  enter(block: Id, carried: Carried): Promise<Carried | undefined> | Carried | undefined
  /** After the children, with what `enter` gave back. */
  leave?(block: Id, carried: Carried): Promise<void> | void
}

interface Frame<Carried> {
  readonly block: Id
  readonly carried: Carried
  readonly isDirectory: boolean
  page: readonly Id[]
  next: number
  isLast: boolean
}

export async function walkTree<Carried>(
  context: FilesContext,
  top: Id,
  carried: Carried,
  visitor: TreeVisitor<Carried>
): Promise<void> {
  const stack: Frame<Carried>[] = []
  const push = async (block: Id, from: Carried): Promise<void> => {
    if (stack.length > pathDepthMax) {
      throw new FilesError('ERR_PATH_DEPTH', `what lies below is deeper than ${pathDepthMax} directories`)
    }
    const place = placeOf(context, block)
    if (place === undefined) return
    const given = await visitor.enter(block, from)
    if (given === undefined) return
    const isDirectory = place.summary.kind === blockKind.directory
    stack.push({ block, carried: given, isDirectory, page: [], next: 0, isLast: !isDirectory })
  }
  await push(top, carried)
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const child = await nextChild(context, frame)
    if (child !== undefined) {
      await push(child, frame.carried)
      continue
    }
    stack.pop()
    await visitor.leave?.(frame.block, frame.carried)
  }
}

async function nextChild<Carried>(context: FilesContext, frame: Frame<Carried>): Promise<Id | undefined> {
  if (frame.next === frame.page.length && !frame.isLast) {
    const after = frame.page.at(-1)
    const page: Id[] = []
    for await (const child of context.tree.children(frame.block, {
      limit: pageSize,
      ...(after && { after })
    })) {
      page.push(child.block)
    }
    frame.page = page
    frame.next = 0
    frame.isLast = page.length < pageSize
  }
  return frame.page[frame.next++]
}
