/**
 * Listings in pages. Order `id` walks the index from the last id and holds nothing between pages, so a directory of a
 * million entries costs no memory and a cursor never goes stale. Order `name` sorts a snapshot of the directory once,
 * keeps it for the next pages, and makes it again when it was dropped: the cursor names the last entry, not a place.
 * A page `after` a name shows the directory as it is now: its snapshot is kept until something in the directory changes.
 */
import type { BlockChange, Id } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type Entry, describe } from './entry.ts'
import { type FilesContext, canReadZone, locate, openFor, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { idKey } from './id-key.ts'
import { listKeptMax, listPageDefault, listPageMax, listSnapshotsMax, listSortedMax } from './limits.ts'
import { LruCache } from './lru-cache.ts'
import { type Place, resolveDirectory } from './resolve-path.ts'
import { shownName } from './shown-name.ts'
import { SortedNames } from './sorted-names.ts'

export type ListOrder = 'id' | 'name'

export interface ListOptions {
  /** Default `id`. */
  readonly order?: ListOrder
  /** From the page before; valid for the same directory and order. */
  readonly cursor?: string
  /** Order `name`, in the place of a cursor: entries whose names sort after it, there or not; '' for all. */
  readonly after?: string
  /** 1 to 10,000; default 1,000. */
  readonly limit?: number
}

export interface ListPage {
  readonly order: ListOrder
  readonly entries: readonly Entry[]
  /** undefined on the last page. */
  readonly cursor: string | undefined
  /** Entries of the directory now. */
  readonly total: number
}

interface Snapshot {
  readonly number: number
  readonly names: SortedNames
}

const lastId: Uint8Array = new Uint8Array(32).fill(0xff)
const cursorText = new TextDecoder('utf-8', { fatal: true })

export class DirectoryLister {
  readonly #context: FilesContext
  /** By actor, directory and number; a page asks for the number in its cursor. */
  readonly #snapshots = new LruCache<string, Snapshot>(listSnapshotsMax * 2)
  /** For pages after a name: by directory, then by actor. */
  readonly #current = new LruCache<string, Map<string, Snapshot>>(listSnapshotsMax)
  #next = 1

  constructor(context: FilesContext) {
    this.#context = context
  }

  /** Something in one or two directories is not what it was. */
  take({ shownParent, shownParentBefore }: BlockChange): void {
    for (const parent of [shownParent, shownParentBefore]) {
      if (parent !== undefined) this.#current.delete(idKey(parent))
    }
  }

  /** @throws ERR_LIST_TOO_LARGE, ERR_CURSOR_INVALID, and what `resolveDirectory` throws */
  async list(actor: Actor, path: string, options: ListOptions = {}): Promise<ListPage> {
    const directory = resolveDirectory(this.#context, actor, path)
    if (!canReadZone(this.#context, actor, zoneOfChildren(directory.summary))) {
      throw new FilesError(
        'ERR_ACCESS_DENIED',
        `"${path}": no grant of yours opens what is in it: ask its owner`,
        { path }
      )
    }
    const limit = options.limit ?? listPageDefault
    if (!Number.isInteger(limit) || limit < 1 || limit > listPageMax) {
      throw new FilesError(
        'ERR_FILE_RANGE',
        `"${path}": a page has 1 to ${listPageMax} entries, not ${limit}`,
        { path }
      )
    }
    const order = options.order ?? 'id'
    const total = this.#context.tree.childCount(directory.block)
    const page =
      order === 'id'
        ? await this.#byId(actor, directory, path, options.cursor, limit)
        : await this.#byName(actor, directory, path, options, limit)
    return { order, total, ...page }
  }

  /** What is listed from a large directory would push all else out of the caches. */
  #isKept(directory: Place): boolean {
    return this.#context.tree.childCount(directory.block) <= listKeptMax
  }

  async #byId(
    actor: Actor,
    directory: Place,
    path: string,
    cursor: string | undefined,
    limit: number
  ): Promise<Pick<ListPage, 'entries' | 'cursor'>> {
    const after = cursor === undefined ? undefined : parseIdCursor(cursor, path)
    const keep = this.#isKept(directory)
    const entries: Entry[] = []
    let last: Id | undefined
    for await (const child of this.#context.tree.children(directory.block, {
      limit,
      ...(after && { after })
    })) {
      last = child.block
      const located = locate(this.#context, child.block, keep)
      if (located !== undefined) entries.push(describe(this.#context, actor, located, keep))
      if (entries.length === limit) break
    }
    const isFull = last !== undefined && entries.length >= limit
    return {
      entries,
      cursor:
        isFull && last !== undefined
          ? `i.${last.toBase64({ alphabet: 'base64url', omitPadding: true })}`
          : undefined
    }
  }

  async #byName(
    actor: Actor,
    directory: Place,
    path: string,
    { cursor, after }: Pick<ListOptions, 'cursor' | 'after'>,
    limit: number
  ): Promise<Pick<ListPage, 'entries' | 'cursor'>> {
    if (after !== undefined) {
      const current = await this.#currentSnapshot(actor, directory, path)
      return this.#page(actor, directory, { snapshot: current, start: placeAfter(current, after), limit })
    }
    const from = cursor === undefined ? undefined : parseNameCursor(cursor, path)
    const key = `${idKey(actor.id)}${idKey(directory.block)}`
    const known = from === undefined ? undefined : this.#snapshots.get(`${key}${from.snapshot}`)
    const snapshot = known ?? (await this.#takeSnapshot(actor, directory, path))
    this.#snapshots.set(`${key}${snapshot.number}`, snapshot)
    const start = from === undefined ? 0 : snapshot.names.positionAfter(from.name, from.block)
    const page = this.#page(actor, directory, { snapshot, start, limit })
    if (page.cursor === undefined) this.#snapshots.delete(`${key}${snapshot.number}`)
    return page
  }

  #page(
    actor: Actor,
    directory: Place,
    {
      snapshot,
      start,
      limit
    }: { readonly snapshot: Snapshot; readonly start: number; readonly limit: number }
  ): Pick<ListPage, 'entries' | 'cursor'> {
    const keep = this.#isKept(directory)
    const entries: Entry[] = []
    let position = start
    for (; position < snapshot.names.length && entries.length < limit; position++) {
      const sorted = snapshot.names.at(position)
      const located = sorted && locate(this.#context, sorted.block, keep)
      // what was removed or moved away since the snapshot is left out
      if (located === undefined || !isIn(directory, located.summary)) continue
      entries.push(describe(this.#context, actor, located, keep))
    }
    const last = snapshot.names.at(position - 1)
    const hasMore = position < snapshot.names.length && last !== undefined
    return { entries, cursor: hasMore ? formatNameCursor(snapshot.number, last.name, last.block) : undefined }
  }

  async #currentSnapshot(actor: Actor, directory: Place, path: string): Promise<Snapshot> {
    const key = idKey(directory.block)
    const known = this.#current.get(key)?.get(idKey(actor.id))
    if (known !== undefined) return known
    const byActor = this.#current.get(key) ?? new Map<string, Snapshot>()
    this.#current.set(key, byActor) // before it is read: a change in between drops it again
    const snapshot = await this.#takeSnapshot(actor, directory, path)
    if (byActor.size >= listSnapshotsMax) byActor.clear()
    byActor.set(idKey(actor.id), snapshot)
    return snapshot
  }

  async #takeSnapshot(actor: Actor, directory: Place, path: string): Promise<Snapshot> {
    const count = this.#context.tree.childCount(directory.block)
    if (count > listSortedMax) {
      throw new FilesError(
        'ERR_LIST_TOO_LARGE',
        `"${path}" has ${count} entries, order "name" sorts at most ${listSortedMax}: use order "id"`,
        { path }
      )
    }
    const keep = this.#isKept(directory)
    const names = new SortedNames()
    let after: Id | undefined
    for (;;) {
      let seen = 0
      for await (const child of this.#context.tree.children(directory.block, {
        limit: listPageMax,
        ...(after && { after })
      })) {
        seen++
        after = child.block
        const located = locate(this.#context, child.block, keep)
        if (located === undefined) continue
        const opened = openFor(this.#context, actor, located.header, keep)
        names.add(shownName(this.#context, located.summary, opened?.name), child.block)
      }
      if (seen < listPageMax || names.length > listSortedMax) break
    }
    return { number: this.#next++, names }
  }
}

/** Behind every entry of this name. */
function placeAfter({ names }: Snapshot, name: string): number {
  return name === '' ? 0 : names.positionAfter(name, lastId)
}

function isIn(
  directory: Place,
  summary: { readonly shownParent: Id | undefined; readonly deleted: boolean; readonly revived: boolean }
): boolean {
  return (
    (!summary.deleted || summary.revived) &&
    summary.shownParent !== undefined &&
    idKey(summary.shownParent) === idKey(directory.block)
  )
}

function parseIdCursor(cursor: string, path: string): Id {
  const bytes = cursor.startsWith('i.') ? decodeBase64(cursor.slice(2)) : undefined
  if (bytes?.length === 32) return bytes
  throw invalidCursor(cursor, path)
}

function formatNameCursor(snapshot: number, name: string, block: Id): string {
  const bytes = new Uint8Array([...block, ...new TextEncoder().encode(name)])
  return `n.${snapshot}.${bytes.toBase64({ alphabet: 'base64url', omitPadding: true })}`
}

function parseNameCursor(
  cursor: string,
  path: string
): { readonly snapshot: number; readonly name: string; readonly block: Id } {
  const match = /^n\.([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43,6000})$/.exec(cursor)
  const bytes = match === null ? undefined : decodeBase64(match[2] ?? '')
  if (match === null || bytes === undefined || bytes.length < 32) throw invalidCursor(cursor, path)
  try {
    return {
      snapshot: Number(match[1]),
      name: cursorText.decode(bytes.subarray(32)),
      block: bytes.slice(0, 32)
    }
  } catch {
    throw invalidCursor(cursor, path)
  }
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: 'base64url' })
  } catch {
    return undefined
  }
}

function invalidCursor(cursor: string, path: string): FilesError {
  return new FilesError(
    'ERR_CURSOR_INVALID',
    `"${path}": "${cursor.slice(0, 40)}" is not a cursor of this listing: start again without one`,
    { path }
  )
}
