/**
 * When each member was last connected here, in local rows: one that is away for long does not count as a keeper any more
 * (spec 28, section 7). That is this node's own view; another one may see it otherwise.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { localKey, localPrefix, localRows } from './local-rows.ts'
import type { SyncPorts } from './ports.ts'

const format = 1
const writeEveryMs = 10 * 60_000

export class MemberPresence {
  readonly #ports: SyncPorts
  readonly #absentMs: number
  readonly #seen: Map<string, { seenMs: number; writtenMs: number }> = new Map()
  readonly #connected: () => Iterable<Id>

  /** @param connected principals of the peers that are connected now */
  constructor(ports: SyncPorts, absentMs: number, connected: () => Iterable<Id>) {
    this.#ports = ports
    this.#absentMs = absentMs
    this.#connected = connected
  }

  async load(): Promise<void> {
    for await (const [member, value] of localRows(this.#ports.store, localPrefix.seen)) {
      const ms = decodeTime(value)
      if (ms !== undefined) this.#seen.set(member.toHex(), { seenMs: ms, writtenMs: ms })
    }
  }

  /** One that was never noted counts as present: it may have joined a moment ago. */
  isPresent(member: Id): boolean {
    const seen = this.#seen.get(member.toHex())
    if (seen === undefined || this.#ports.clock.now() - seen.seenMs < this.#absentMs) return true
    const key = member.toHex()
    for (const id of this.#connected()) if (id.toHex() === key) return true
    return false
  }

  /** From the first time that a member is known, its absence counts. */
  async note(members: Iterable<Id>): Promise<void> {
    const nowMs = this.#ports.clock.now()
    const connected = new Set([...this.#connected()].map((id) => id.toHex()))
    const local = []
    for (const member of members) {
      const key = member.toHex()
      const known = this.#seen.get(key)
      if (known !== undefined && !connected.has(key)) continue
      const seen = { seenMs: nowMs, writtenMs: known?.writtenMs ?? -Infinity }
      this.#seen.set(key, seen)
      if (Math.abs(nowMs - seen.writtenMs) < writeEveryMs) continue
      seen.writtenMs = nowMs
      const value = new CanonicalWriter(16).array(2).uint(format).uint(Math.max(0, nowMs)).finish()
      local.push({ key: localKey(localPrefix.seen, member), value })
    }
    if (local.length > 0) await this.#ports.store.commit({ local }, { durability: 'none' })
  }
}

function decodeTime(value: Uint8Array): number | undefined {
  try {
    const reader = new CanonicalReader(value)
    reader.arrayOf(2)
    if (reader.uint() !== format) return undefined
    const ms = reader.uint()
    reader.end()
    return ms
  } catch {
    return undefined
  }
}
