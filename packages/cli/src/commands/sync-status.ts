/** `sync status`: the peers of each tree, and how far this node is in step with them. */
import type { NodeMethods } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatTable, printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { trees } = await node.call('sync.status', {})
  if (output.isJson) for (const tree of trees) output.item(tree, () => [])
  else if (trees.every(({ peers }) => peers.length === 0)) {
    output.note('No peer is connected.')
    output.result(undefined, () => trees.filter(hasNews).flatMap(contentLines))
  } else {
    const rows = trees.flatMap(({ treeId, peers }) =>
      peers.map(({ principal, state, wentBack, comparedMsAgo, records, code, shutOutMs }) => [
        treeId.slice(0, 12),
        printable(principal),
        stateOf(state, wentBack, shutOutMs),
        comparedMsAgo === undefined ? '-' : `${Math.round(comparedMsAgo / 1000)} s ago`,
        String(records),
        code ?? ''
      ])
    )
    const head = ['tree', 'peer', 'state', 'compared', 'records', ''].map((cell) => output.dim(cell))
    output.result(undefined, () => [...formatTable([head, ...rows], [4]), ...trees.flatMap(contentLines)])
  }
}

function stateOf(state: string, wentBack: boolean, shutOutMs: number | undefined): string {
  if (shutOutMs !== undefined) return `${state} for ${Math.ceil(shutOutMs / 1000)} s`
  return wentBack ? `${state}, went back to an older state` : state
}

type Tree = NodeMethods['sync.status']['result']['trees'][number]

/** Of a tree without peers: something waits for them. */
function hasNews({ holdsWrites, summariesCorrected, contentsWanted, contents }: Tree): boolean {
  return holdsWrites || summariesCorrected > 0 || contentsWanted > 0 || contents !== undefined
}

function contentLines({
  treeId,
  contentsWanted,
  bytesReceived,
  contents,
  ...cache
}: Tree): readonly string[] {
  const name = treeId.slice(0, 12)
  const held = `${name}: this node went back to an older state; nothing is written until it has caught up`
  const corrected = `${name}: summaries were wrong in ${cache.summariesCorrected} places and were put right (doctor)`
  const lines = [
    ...(cache.holdsWrites ? [held] : []),
    ...(cache.summariesCorrected > 0 ? [corrected] : []),
    `${name}: ${contentsWanted} contents to fetch, ${formatBytes(bytesReceived)} received`
  ]
  if (contents === undefined) return lines
  const { kept, missing, cached, surplus, underReplicated, elsewhere } = contents
  const room = `${formatBytes(cache.cachedBytes)} of ${formatBytes(cache.cacheBytes)}`
  lines.push(
    `${name}: ${kept} kept, ${missing} missing, ${cached} cached (${room}), ${surplus} surplus, ${elsewhere} elsewhere`
  )
  if (underReplicated > 0) lines.push(`${name}: ${underReplicated} kept in too few copies`)
  return lines
}
