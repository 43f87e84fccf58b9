/** The stories of doc/spec/vectors/acceptance.json, told to a tree state in their order and in two others. */
import { readFileSync } from 'node:fs'
import { createNativeProvider } from '@blocktree/crypto/native'
import { describe, expect, test } from 'vitest'
import { decodeRecord } from '../src/record.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import { type BlockState, type OfferResult, type TreeState, createTreeState } from '../src/tree-state.ts'

interface Step {
  readonly offer: string
  readonly as?: 'birth' | 'part'
  readonly outcome?: string
  readonly error?: string
  readonly blocks?: Readonly<Record<string, unknown>>
}

interface Story {
  readonly comment: string
  readonly tree: string
  readonly items: Readonly<Record<string, string>>
  readonly blocks: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const crypto = createNativeProvider()
const file = new URL('../../../doc/spec/vectors/acceptance.json', import.meta.url)
const { people = [], ...groups }: Record<string, readonly unknown[]> = JSON.parse(
  readFileSync(file, 'utf8')
).groups
const bytesOfPeople = new Map(
  (people as { comment: string; bytes: string }[]).map(({ comment, bytes }) => [comment, bytes])
)

class Node {
  readonly #story: Story
  readonly #state: TreeState
  readonly #names: Map<string, string>

  constructor(story: Story, state: TreeState) {
    this.#story = story
    this.#state = state
    this.#names = new Map(Object.entries(story.items).map(([name, bytes]) => [idOf(bytes), name]))
  }

  static async of(story: Story): Promise<Node> {
    const options = { store: createMemoryStore(), crypto, clock: { now: () => 0 } }
    return new Node(story, await createTreeState({ ...options, tree: Uint8Array.fromHex(story.tree) }))
  }

  async take({ offer, as }: Step): Promise<OfferResult | undefined> {
    const text = this.#story.items[offer] ?? bytesOfPeople.get(offer)
    if (text === undefined) throw new Error(`no item "${offer}"`)
    const bytes = Uint8Array.fromHex(text)
    const [result] = await this.#state.offer(
      {
        records: as === undefined ? [{ bytes }] : [],
        births: as === 'birth' ? [bytes] : [],
        sectors: as === 'part' ? [{ reference: crypto.sha256(bytes), bytes }] : []
      },
      { peer: 'peer', from: 'host' }
    )
    await this.#state.settled()
    return result
  }

  async blocks(): Promise<Record<string, unknown>> {
    const blocks: Record<string, unknown> = {}
    for (const [name, block] of Object.entries(this.#story.blocks)) {
      const state = this.#state.blockState(Uint8Array.fromHex(block))
      if (state !== undefined) blocks[name] = await this.#describe(state)
    }
    return blocks
  }

  async #describe({ block, heads, labels }: BlockState): Promise<object> {
    const name = (id: Uint8Array): string => this.#names.get(id.toHex()) ?? 'unknown'
    const listed: Record<string, string[]> = {}
    for await (const { header, label } of this.#state.history(block)) {
      if (label === 'winner' || label === 'head' || label === 'ancestor') continue
      listed[label] = [...(listed[label] ?? []), name(header.id)].toSorted()
    }
    return {
      heads: heads.map(({ id, version }) => [name(id), version]),
      ...listed,
      ...(labels.lostToRevocation ? { lostToRevocation: true } : {}),
      ...(labels.selfFork ? { selfFork: true } : {})
    }
  }
}

function idOf(hex: string): string {
  try {
    return decodeRecord(crypto, Uint8Array.fromHex(hex)).id.toHex()
  } catch {
    return hex // a birth, a part, or what is refused
  }
}

describe.each(Object.entries(groups))('stories of %s', (_group, stories) => {
  test.each(stories as readonly Story[])('$comment', async (story) => {
    const node = await Node.of(story)
    let expected: Record<string, unknown> = {}
    for (const step of story.steps) {
      const result = await node.take(step)
      expect([step.offer, result?.outcome]).toEqual([step.offer, step.outcome])
      if (step.error !== undefined) expect([step.offer, result?.code]).toEqual([step.offer, step.error])
      expected = { ...expected, ...step.blocks }
      expect([step.offer, await node.blocks()]).toEqual([step.offer, expected])
    }
  })

  test.each(stories as readonly Story[])('in other orders: $comment', async ({ ...story }) => {
    const expected = Object.assign({}, ...story.steps.map((step) => step.blocks))
    const halves = [1, 0].flatMap((rest) => story.steps.filter((_step, index) => index % 2 === rest))
    for (const order of [story.steps.toReversed(), halves]) {
      const node = await Node.of(story)
      for (const step of order) await node.take(step)
      expect(await node.blocks()).toEqual(expected)
    }
  })
})
