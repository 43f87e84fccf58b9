/**
 * Names of headers that arrive by `offer`, opened as they come: given to `createTreeState` as its `names`, and attached
 * to the node's own actor when the file operations exist. What that actor cannot open is left for `indexNames`.
 */
import type { HeaderRecord, NameKeys } from '@blocktree/tree'
import { homeZone } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { openFor } from './files-context.ts'
import type { Files } from './files.ts'
import { indexedName } from './shown-name.ts'

export interface NameOpener extends NameKeys {
  /** Until then nothing is opened. */
  attach(files: Files, actor: Actor): void
}

export function createNameOpener(): NameOpener {
  let attached: { readonly files: Files; readonly actor: Actor } | undefined
  return {
    attach(files, actor) {
      attached = { files, actor }
    },
    nameKeyOf(header: HeaderRecord): Uint8Array | undefined {
      if (attached === undefined || header.body.parent === undefined) return undefined
      const { context } = attached.files
      const opened = openFor(context, attached.actor, header)
      if (opened === undefined) return undefined
      const { birth, block } = header.body
      return context.names.keyOf(homeZone(birth, block), indexedName(opened.name, block))
    }
  }
}
