/**
 * Property D3 of the model: the view is a tree. Whoever walks it from the root comes to every block that lives, and to
 * each once, whatever was moved under what.
 */
import type { Id, TreeState } from '@blocktree/tree'
import type { Violation } from './summary.ts'
import type { SimulatedNode } from './node.ts'

const rule = 'every block that lives is reached, once'

export async function wholeView({ tree }: SimulatedNode): Promise<readonly Violation[]> {
  const { rootBlock } = tree
  const reached = new Map<string, number>()
  if (rootBlock !== undefined) await walk(tree, rootBlock, reached)
  const found: Violation[] = []
  for (const [block, count] of reached)
    if (count > 1) found.push({ rule, what: `${block} is reached ${count} times` })
  for await (const { block } of tree.blockTips({ from: new Uint8Array(0) })) {
    const summary = tree.blockSummary(block)
    const isLive = summary !== undefined && summary.heads.length > 0 && (!summary.deleted || summary.revived)
    if (isLive && !reached.has(block.toHex())) found.push({ rule, what: `${block.toHex()} is not reached` })
  }
  return found
}

async function walk(tree: TreeState, block: Id, reached: Map<string, number>): Promise<void> {
  const key = block.toHex()
  const count = (reached.get(key) ?? 0) + 1
  reached.set(key, count)
  if (count > 1) return
  let after: Id | undefined
  for (;;) {
    const children: Id[] = []
    for await (const child of tree.children(block, after === undefined ? {} : { after }))
      children.push(child.block.slice())
    for (const child of children) await walk(tree, child, reached)
    after = children.at(-1)
    if (after === undefined) return
  }
}
