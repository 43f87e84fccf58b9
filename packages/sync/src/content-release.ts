/**
 * Letting go of content (spec 28, section 7): a node stops keeping a copy only after enough others have promised and
 * proven, in this very moment, that they keep theirs. While it asks it promises nothing itself. So of any number of nodes
 * that let go at a time, the last one to begin relied on others that had not begun, and as many copies are left as it
 * asked for. No clock, no order of messages and no agreement on who should keep it matters for that.
 */
import type { Id } from '@blocktree/tree'
import type { PeerLink } from './peer-link.ts'

export interface Releasable {
  readonly record: Id
  readonly zone: Id
  /** Of others. */
  readonly copies: number
  readonly bytes: number
  readonly root: Id
}

export interface ContentReleaseDeps {
  /** Connected peers that may promise for a zone. */
  readonly promisers: (zone: Id) => readonly PeerLink[]
  /** Those of the records that the peer promises to keep, without waiting for any. */
  readonly askPromise: (
    link: PeerLink,
    zone: Id,
    ids: readonly Id[],
    signal: AbortSignal
  ) => Promise<readonly Id[]>
  /** @returns undefined when it cannot be told */
  readonly challenge: (link: PeerLink, record: Id, signal: AbortSignal) => Promise<boolean | undefined>
}

const askedAtOnce = 512

export class ContentRelease {
  readonly #deps: ContentReleaseDeps
  readonly #leaving: Set<string> = new Set()

  constructor(deps: ContentReleaseDeps) {
    this.#deps = deps
  }

  /** It is being let go: nothing is promised about it. */
  isLeaving(record: Id): boolean {
    return this.#leaving.has(record.toHex())
  }

  /**
   * Calls `act` with those that enough others keep; when it has resolved they must not be promised any more by what it
   * wrote.
   * @returns how many that were
   */
  async run<Content extends Releasable>(
    contents: readonly Content[],
    act: (confirmed: readonly Content[]) => Promise<void>,
    signal: AbortSignal
  ): Promise<number> {
    let count = 0
    for (const some of inZones(contents)) {
      if (signal.aborted) break
      for (const { record } of some) this.#leaving.add(record.toHex())
      try {
        const confirmed = await this.#confirmed(some, signal)
        if (confirmed.length > 0) await act(confirmed)
        count += confirmed.length
      } finally {
        for (const { record } of some) this.#leaving.delete(record.toHex())
      }
    }
    return count
  }

  async #confirmed<Content extends Releasable>(
    contents: readonly Content[],
    signal: AbortSignal
  ): Promise<readonly Content[]> {
    const [first] = contents
    if (first === undefined) return []
    const counts = new Map<string, Set<string>>(contents.map(({ record }) => [record.toHex(), new Set()]))
    const ids = contents.map(({ record }) => record)
    const ask = async (link: PeerLink): Promise<void> => {
      for (const record of await this.#deps.askPromise(link, first.zone, ids, signal)) {
        const holders = counts.get(record.toHex())
        // two connections of one principal are one holder
        if (holders?.has(link.name) !== false) continue
        if ((await this.#deps.challenge(link, record, signal)) === true) holders.add(link.name)
      }
    }
    await Promise.allSettled(this.#deps.promisers(first.zone).map(ask))
    return contents.filter(
      ({ record, copies }) => copies > 0 && (counts.get(record.toHex())?.size ?? 0) >= copies
    )
  }
}

/** Of one zone each, so many at a time. */
function* inZones<Content extends Releasable>(contents: readonly Content[]): Generator<readonly Content[]> {
  const zones = new Map<string, Content[]>()
  for (const content of contents) {
    const key = content.zone.toHex()
    const some = zones.get(key) ?? []
    some.push(content)
    zones.set(key, some)
  }
  for (const some of zones.values())
    for (let at = 0; at < some.length; at += askedAtOnce) yield some.slice(at, at + askedAtOnce)
}
