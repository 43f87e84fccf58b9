/**
 * What a node makes of a story (./vector-history.ts): the outcome of every step, and the blocks and the view that it
 * shows after it. The names of the story stand for ids.
 */
import {
  type BlockState,
  type HeaderRecord,
  type Id,
  type OfferResult,
  type TreeState,
  blockKind,
  createTreeState,
  decodeRecord,
  freeConflictName,
  invalidName,
  isValidName,
  openHeader
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import type { History, Step } from './vector-history.ts'
import { type VectorCase, hex } from './vector-page.ts'
import { crypto } from './vector-tree.ts'

export async function replay(history: History, shared: ReadonlyMap<string, string>): Promise<VectorCase> {
  const state = await createTreeState({
    store: createMemoryStore(),
    crypto,
    clock: { now: () => 0 },
    names: { nameKeyOf: (header) => nameKey(shownNameOf(header)) },
    tree: history.tree.id
  })
  const replayed = await new Replay(history, state).run()
  const items: Record<string, string> = {}
  for (const { name, bytes } of history.steps) {
    const person = shared.get(name)
    if (person === undefined) items[name] = hex(bytes)
    else if (person !== hex(bytes)) throw new Error(`"${name}" names a person and something else`)
  }
  const blocks = Object.fromEntries([...history.blocks].map(([name, { block }]) => [name, hex(block)]))
  return { comment: history.comment, tree: hex(history.tree.id), items, blocks, steps: replayed }
}

class Replay {
  readonly #history: History
  readonly #state: TreeState
  readonly #names: Map<string, string> = new Map()
  readonly #blockNames: Map<string, string> = new Map()
  readonly #parked: Map<string, Step> = new Map()
  readonly #shown: Map<string, string> = new Map()
  #view: Readonly<Record<string, string>> = {}

  constructor(history: History, state: TreeState) {
    this.#history = history
    this.#state = state
    for (const { name, kind, bytes } of history.steps) {
      const id = kind === 'record' ? idOf(bytes) : undefined
      if (id !== undefined) this.#names.set(hex(id), name)
    }
    for (const [name, { block }] of history.blocks) this.#blockNames.set(hex(block), name)
  }

  async run(): Promise<readonly object[]> {
    const steps: object[] = []
    for (const step of this.#history.steps) {
      const verdict = await this.#offer(step)
      const released = await this.#released()
      steps.push({
        offer: step.name,
        ...(step.kind === 'record' ? {} : { as: step.kind }),
        ...verdict,
        ...(released.length === 0 ? {} : { released }),
        ...(await this.#changes()),
        ...(await this.#viewChange())
      })
    }
    return steps
  }

  async #offer(step: Step): Promise<object> {
    const admission = { peer: 'peer', from: 'host' } as const
    if (step.kind === 'birth') await this.#state.offer({ records: [], births: [step.bytes] }, admission)
    if (step.kind === 'part') {
      const sectors = [{ reference: crypto.sha256(step.bytes), bytes: step.bytes }]
      await this.#state.offer({ records: [], sectors }, admission)
    }
    let verdict = {}
    if (step.kind === 'record') {
      const [result] = await this.#state.offer({ records: [step] }, admission)
      if (result === undefined) throw new Error('an offer without a result')
      if (result.outcome === 'parked') this.#parked.set(step.name, step)
      verdict = described(result)
    }
    await this.#state.settled()
    return verdict
  }

  /** What was parked and is so no longer: offered again, it is known or refused. */
  async #released(): Promise<readonly object[]> {
    const released: object[] = []
    for (const [name, step] of this.#parked) {
      const [again] = await this.#state.offer({ records: [step] }, { peer: 'peer', from: 'host' })
      if (again === undefined || again.outcome === 'parked') continue
      this.#parked.delete(name)
      if (again.outcome === 'refused') released.push({ offer: name, ...described(again) })
      else released.push({ offer: name, outcome: this.#isQuarantined(again.id) ? 'quarantined' : 'accepted' })
    }
    await this.#state.settled()
    return released
  }

  #isQuarantined(id: Id | undefined): boolean {
    const block = id && this.#state.header(id)?.body.block
    return (
      block !== undefined &&
      this.#state.blockState(block)?.labels.quarantine.some((one) => hex(one) === hex(id ?? one)) === true
    )
  }

  /** States of the blocks that are another than before this step. */
  async #changes(): Promise<object> {
    const blocks: Record<string, unknown> = {}
    for (const [name, { block }] of this.#history.blocks) {
      const found = this.#state.blockState(block)
      if (found === undefined) continue
      const now = await this.#describe(found)
      const text = JSON.stringify(now)
      if (this.#shown.get(name) === text) continue
      this.#shown.set(name, text)
      blocks[name] = now
    }
    return Object.keys(blocks).length === 0 ? {} : { blocks }
  }

  async #describe({ block, heads, labels }: BlockState): Promise<object> {
    const lists: Record<string, string[]> = {}
    for await (const { header, label } of this.#state.history(block)) {
      if (label === 'winner' || label === 'head' || label === 'ancestor') continue
      lists[label] = [...(lists[label] ?? []), this.#nameOf(header.id)].toSorted()
    }
    return {
      heads: heads.map(({ id, version }) => [this.#nameOf(id), version]),
      ...lists,
      ...(labels.lostToRevocation ? { lostToRevocation: true } : {}),
      ...(labels.selfFork ? { selfFork: true } : {})
    }
  }

  #nameOf(id: Id): string {
    const name = this.#names.get(hex(id))
    if (name === undefined) throw new Error('an id without a name')
    return name
  }

  async #viewChange(): Promise<object> {
    const root = this.#state.rootBlock
    const view: Record<string, string> = {}
    if (root !== undefined && this.#state.blockState(root)?.winner !== undefined)
      await this.#walk(root, '/', view)
    const before = this.#view
    this.#view = view
    const gone = Object.keys(before).filter((path) => !(path in view))
    const come = Object.entries(view).filter(([path, block]) => before[path] !== block)
    if (gone.length + come.length === 0) return {}
    return { view: { ...Object.fromEntries(gone.map((path) => [path, null])), ...Object.fromEntries(come) } }
  }

  async #walk(directory: Id, prefix: string, view: Record<string, string>): Promise<void> {
    const children: { block: Id; name: string; isDirectory: boolean }[] = []
    for await (const { block, kind } of this.#state.children(directory)) {
      const winner = this.#state.blockState(block)?.winner
      if (winner === undefined) throw new Error('a child without a winner')
      children.push({ block, name: shownNameOf(winner), isDirectory: kind === blockKind.directory })
    }
    for (const { block, name, isDirectory } of this.#namesOf(directory, children)) {
      view[`${prefix}${name}${isDirectory ? '/' : ''}`] = this.#blockNames.get(hex(block)) ?? ''
      await this.#walk(block, `${prefix}${name}/`, view)
    }
  }

  #namesOf<Child extends { block: Id; name: string }>(
    directory: Id,
    children: readonly Child[]
  ): readonly Child[] {
    const taken = new Set(children.map(({ name }) => name))
    return children.map((child) => {
      const [owner] = this.#state.findByName(directory, nameKey(child.name))
      if (owner === undefined || hex(owner) === hex(child.block)) return child
      const name = freeConflictName(child.name, child.block, (candidate) => taken.has(candidate))
      taken.add(name)
      return { ...child, name }
    })
  }
}

function described(result: OfferResult): object {
  const { outcome, code } = result
  const isSaid = outcome === 'refused' || (outcome === 'parked' && code !== 'ERR_RECORD_MISSING')
  return { outcome, ...(isSaid ? { error: code } : {}) }
}

function idOf(bytes: Uint8Array): Id | undefined {
  try {
    return decodeRecord(crypto, bytes).id
  } catch {
    return undefined
  }
}

/** In a public zone the private part stands in clear. */
function shownNameOf(header: HeaderRecord): string {
  const { block, epoch } = header.body
  if (epoch !== undefined) return invalidName(block)
  const { name } = openHeader(crypto, header.body, undefined)
  return isValidName(name) ? name : invalidName(block)
}

function nameKey(name: string): Uint8Array {
  return crypto.sha256(new TextEncoder().encode(name)).subarray(0, 16)
}
