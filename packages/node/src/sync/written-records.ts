/** Headers that an operation writes, heard of while it runs: the promise of all of them can be waited for afterwards. */
import { equalBytes } from '@blocktree/codec'
import { type Id, recordType, type TreeState } from '@blocktree/tree'

const idBytes = 32

export class WrittenRecords {
  readonly #tree: TreeState
  readonly #signer: Id
  /** Ids in a row: an import writes millions. */
  #ids = new Uint8Array(16 * idBytes)
  #length = 0
  /** Ends hearing. */
  readonly end: () => void

  /** @param signer whose headers count: others write at the same time */
  constructor(tree: TreeState, signer: Id) {
    this.#tree = tree
    this.#signer = signer
    this.end = tree.onTaken((taken) => {
      for (const { id, type } of taken) if (type === recordType.header) this.#add(id)
    })
  }

  /** Of all headers that were heard of. */
  get count(): number {
    return this.#length / idBytes
  }

  *ids(): Generator<Id> {
    for (let at = 0; at < this.#length; at += idBytes) {
      const id = this.#ids.slice(at, at + idBytes)
      const header = this.#tree.header(id)
      if (header !== undefined && equalBytes(header.signer, this.#signer)) yield id
    }
  }

  #add(id: Id): void {
    if (this.#length + idBytes > this.#ids.length) {
      const longer = new Uint8Array(2 * this.#ids.length)
      longer.set(this.#ids)
      this.#ids = longer
    }
    this.#ids.set(id, this.#length)
    this.#length += idBytes
  }
}
