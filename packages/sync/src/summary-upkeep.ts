/** The saved summary of the whole tree: loaded at the start, written now and then and at the end. */
import type { SyncPorts } from './ports.ts'
import type { Summaries } from './summaries.ts'
import { loadSummary, saveSummary } from './summary-file.ts'
import type { SyncWork } from './sync-work.ts'

const saveEveryMs = 60_000
const savesPutOffMax = 4

export interface SummaryUpkeepDeps {
  readonly ports: SyncPorts
  readonly summaries: Summaries
  readonly work: SyncWork
  /** False while records count here that the store has not written yet. */
  readonly isDurable: () => boolean
}

export class SummaryUpkeep {
  readonly #deps: SummaryUpkeepDeps
  #cancelSave: (() => void) | undefined

  constructor(deps: SummaryUpkeepDeps) {
    this.#deps = deps
  }

  /** Saves it from now on. */
  async open(): Promise<void> {
    const { ports, summaries } = this.#deps
    const { tree, store, crypto } = ports
    if (tree.rootBlock !== undefined) {
      const { headers } = summaries.of([tree.rootBlock])
      await loadSummary({ tree, store, crypto, scope: tree.rootBlock }, headers)
    }
    this.#saveLater()
  }

  async close(): Promise<void> {
    this.#cancelSave?.()
    await this.#save().catch(() => undefined) // made again at the next start
  }

  async #save(): Promise<void> {
    const { ports, summaries, isDurable } = this.#deps
    const { tree, store, crypto } = ports
    if (tree.rootBlock === undefined) return
    const { headers } = summaries.of([tree.rootBlock])
    const place = { tree, store, crypto, scope: tree.rootBlock }
    // A summary that nobody has asked for is not worked out only to be saved.
    if (headers.isKnown) await saveSummary(place, headers, isDurable)
  }

  /** Less often while so much is written that the summary costs a look at all rows. */
  #saveLater(putOff = 0): void {
    const { ports, summaries, work } = this.#deps
    this.#cancelSave = ports.pace.after(saveEveryMs, () => {
      if (work.isClosed) return
      const { rootBlock } = ports.tree
      const isBusy = rootBlock !== undefined && summaries.of([rootBlock]).headers.isCrowded
      const isPutOff = isBusy && putOff < savesPutOffMax
      if (!isPutOff) work.run(this.#save())
      this.#saveLater(isPutOff ? putOff + 1 : 0)
    })
  }
}
