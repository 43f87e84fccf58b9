/**
 * The highest fencing token that was given, as far as this node knows, for each file: kept in local rows of the store (`node/fence/<block>`,
 * the number as text), so that a restart forgets nothing. A token is on disk before a write under it begins.
 */
import { TokenFloor } from '@blocktree/coordinator'
import type { BlockStore, Id } from '@blocktree/tree'

const prefix = 'node/fence/'

export class FenceFloor {
  readonly #rows: Pick<BlockStore, 'local' | 'commit'>
  readonly #floor = new TokenFloor()

  constructor(rows: Pick<BlockStore, 'local' | 'commit'>) {
    this.#rows = rows
  }

  /** 0 before the first. */
  highest(block: Id): number {
    const name = block.toHex()
    if (this.#floor.highest(name) === 0) {
      const stored = this.#rows.local.get(rowKey(block))
      if (stored !== undefined) this.#floor.admit(name, Number(new TextDecoder().decode(stored)))
    }
    return this.#floor.highest(name)
  }

  /** @param token one that was given; a lower one than before changes nothing */
  async raise(block: Id, token: number): Promise<void> {
    if (token <= this.highest(block)) return
    this.#floor.admit(block.toHex(), token)
    const value = new TextEncoder().encode(String(token))
    await this.#rows.commit({ local: [{ key: rowKey(block), value }] })
  }
}

/** The highest token that was seen of any file; 0 before the first. */
export async function highestToken({ local }: Pick<BlockStore, 'local'>): Promise<number> {
  const from = Buffer.from(prefix)
  const to = Buffer.from(prefix)
  to[to.length - 1] = (to.at(-1) ?? 0) + 1
  let highest = 0
  for await (const [, value] of local.range({ from, to }))
    highest = Math.max(highest, Number(new TextDecoder().decode(value)))
  return highest
}

function rowKey(block: Id): Uint8Array {
  return Buffer.concat([Buffer.from(prefix), block])
}
