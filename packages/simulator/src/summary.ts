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
