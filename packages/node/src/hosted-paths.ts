/**
 * Where in a tree of somebody else that lies which was shared. The name of a shared folder is sealed for the readers of
 * the folder around it, so whoever gets the folder alone cannot read it; the access line says the path, which is kept
 * here (store rows `node/shared/<block>`) and put into the name index as soon as the headers are held. What came by a
 * link, which says no path, gets a name made from its id.
 */
import { formatId } from '@blocktree/codec'
import { type BlockSummary, type Id, parsePath } from '@blocktree/tree'
import type { HeldTree } from './hosted-trees.ts'

const prefix: Uint8Array = new TextEncoder().encode('node/shared/')
const prefixEnd: Uint8Array = new TextEncoder().encode('node/shared0') // "0" follows "/"
const depthMax = 256

type Held = Pick<HeldTree, 'tree' | 'store' | 'files'>

/** @param path as the access line says it; one that is no path is left out */
export async function rememberPath({ store }: Pick<Held, 'store'>, block: Id, path: string): Promise<void> {
  if (componentsOf(path).length === 0) return
  await store.commit({
    local: [{ key: Buffer.concat([prefix, block]), value: new TextEncoder().encode(path) }]
  })
}

/** Registers the names of what was shared, as far as its headers have come. */
export async function namePaths(held: Held): Promise<void> {
  const { store } = held
  for await (const [key, value] of store.local.range({ from: prefix, to: prefixEnd })) {
    registerNames(held, key.slice(prefix.length), componentsOf(new TextDecoder().decode(value)))
  }
}

/** All paths that are kept, by the text of the block's id: for a backup. */
export async function keptPaths({ store }: Pick<Held, 'store'>): Promise<Readonly<Record<string, string>>> {
  const kept: Record<string, string> = {}
  for await (const [key, value] of store.local.range({ from: prefix, to: prefixEnd }))
    kept[formatId(key.slice(prefix.length))] = new TextDecoder().decode(value)
  return kept
}

/** The path kept for a block; a made one where there is none. undefined while its header is not held. */
export async function pathOfShared(held: Held, block: Id): Promise<string | undefined> {
  const { store, tree } = held
  const key = Buffer.concat([prefix, block])
  const to = Buffer.concat([key, Uint8Array.of(0)])
  for await (const [, value] of store.local.range({ from: key, to, limit: 1 }))
    return new TextDecoder().decode(value)
  const names: string[] = []
  let at: Id | undefined = block
  while (at !== undefined && names.length < depthMax) {
    const summary: BlockSummary | undefined = tree.blockSummary(at)
    if (summary === undefined || (summary.nameKey !== undefined && summary.shownParent !== undefined))
      return undefined
    if (summary.shownParent === undefined) break
    names.unshift(`shared-${formatId(at).slice(-8)}`)
    at = summary.shownParent
  }
  const path = `/${names.join('/')}`
  await rememberPath(held, block, path)
  registerNames(held, block, names)
  return path
}

/** Upwards from the block; a name that is known already is left as it is. */
function registerNames({ tree, files }: Held, block: Id, names: readonly string[]): void {
  let at: Id | undefined = block
  for (const name of names.toReversed()) {
    const summary: BlockSummary | undefined = at === undefined ? undefined : tree.blockSummary(at)
    if (summary?.shownParent === undefined) return
    if (summary.nameKey === undefined)
      tree.registerName(summary.block, files.context.names.keyOf(summary.zone, name))
    at = summary.shownParent
  }
}

function componentsOf(path: string): readonly string[] {
  try {
    return parsePath(path)
  } catch {
    return []
  }
}
