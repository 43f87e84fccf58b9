/** What a run has to answer for, and all that a tree holds as one text: two that hold the same have the same. */
import type { CryptoProvider } from '@blocktree/crypto'
import { authorityRoot, type Id, type TreeState, zoneRoots } from '@blocktree/tree'

export interface Violation {
  readonly rule: string
  readonly what: string
}

export async function summaryOfTree(tree: TreeState, crypto: CryptoProvider, rootBlock: Id): Promise<string> {
  const lines: string[] = [`authority ${authorityRoot(tree, crypto).toHex()}`]
  for await (const { block, tips } of tree.blockTips({ from: new Uint8Array(0) })) {
    const state = tree.blockState(block)
    const texts = (ids: readonly Id[] = []): string =>
      ids
        .map((id) => id.toHex())
        .toSorted()
        .join(',')
    const { quarantine, late, pending } = state?.labels ?? {}
    lines.push(
      `${block.toHex()} tips ${texts(tips)} heads ${texts(state?.heads.map(({ id }) => id))} winner ${state?.winner?.id.toHex() ?? 'none'} ` +
        `quarantine ${texts(quarantine)} late ${texts(late)} pending ${texts(pending)}`
    )
  }
  lines.push(`heads ${(await zoneRoots(tree, crypto, rootBlock)).headsRoot.toHex()}`)
  return lines.join('\n')
}

/** How each summary differs from the first; none when all are the same. */
export function differencesOf(names: readonly string[], summaries: readonly string[]): readonly string[] {
  const [first] = summaries
  const [name] = names
  if (first === undefined || name === undefined) return ['no node runs']
  const lines = first.split('\n')
  return summaries.flatMap((summary, index) =>
    summary === first
      ? []
      : [`${names[index] ?? index} against ${name}: ${differenceOf(lines, summary.split('\n'))}`]
  )
}

function differenceOf(first: readonly string[], second: readonly string[]): string {
  const [left, right] = [new Set(first), new Set(second)]
  const missing = [...left].filter((line) => !right.has(line))
  const extra = [...right].filter((line) => !left.has(line))
  const line = missing[0] ?? extra[0]
  if (line === undefined) return 'the same lines in another order, or some of them several times'
  return `${missing.length} lines missing, ${extra.length} more; first: ${line}`
}
