/** What the tree should look like, in plain values, and how to look at it. */
import { hash } from 'node:crypto'
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { people, type World } from './crash-world.ts'

export interface Model {
  /** A digest of the content for a file; `directory` or `zone`. */
  readonly entries: ReadonlyMap<string, string>
  /** `path→name`, sorted. */
  readonly grants: readonly string[]
  readonly caps: readonly string[]
  /** Where the files are that operations work on. */
  readonly a: string
  readonly b: string
}

export function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${hash('sha256', bytes).slice(0, 16)}`
}

export function put(model: Model, path: string, value: string): Model {
  return { ...model, entries: new Map(model.entries).set(path, value) }
}

/** Everything below a path goes to another one. */
export function moveEntries(model: Model, source: string, target: string): Model {
  const entries = new Map<string, string>()
  for (const [path, value] of model.entries) {
    const isInside = path === source || path.startsWith(`${source}/`)
    entries.set(isInside ? target + path.slice(source.length) : path, value)
  }
  return { ...model, entries }
}

export function dropEntries(model: Model, top: string): Model {
  const kept = [...model.entries].filter(([path]) => path !== top && !path.startsWith(`${top}/`))
  return { ...model, entries: new Map(kept) }
}

export async function observe(world: World): Promise<Omit<Model, 'a' | 'b'>> {
  const { sharing, owner } = world
  const entries = new Map<string, string>()
  await observeDirectory(world, '', entries)
  const grants = sharing.listGrants(owner).map(({ path, recipient }) => `${path ?? '?'}→${nameOf(recipient)}`)
  const caps = sharing.listCaps(owner).map(({ path, subject }) => `${path ?? '?'}→${nameOf(subject)}`)
  return { entries, grants: visible(grants), caps: visible(caps) }
}

async function observeDirectory(world: World, path: string, entries: Map<string, string>): Promise<void> {
  const { files, owner } = world
  const page = await files.list(owner, path === '' ? '/' : path, { order: 'name' })
  for (const entry of page.entries) {
    const at = `${path}/${entry.name}`
    if (entry.kind === 'directory') {
      entries.set(at, entry.zoneRoot ? 'zone' : 'directory')
      await observeDirectory(world, at, entries)
    } else entries.set(at, digest(files.read(owner, at).bytes))
  }
}

/** Without what belongs to the owner itself. */
function visible(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !/→(root|node)$/.test(line)).sort()
}

function nameOf(id: Id): string {
  return Object.entries(people).find(([, principal]) => equalBytes(principal.id, id))?.[0] ?? 'a stranger'
}

/** One text for a state: equal states give equal texts, and a difference can be read. */
export function describe(state: Omit<Model, 'a' | 'b'>): string {
  const entries = [...state.entries].sort(([left], [right]) => (left < right ? -1 : 1))
  return [
    ...entries.map(([path, value]) => `${path}  ${value}`),
    ...state.grants.map((line) => `grant ${line}`),
    ...state.caps.map((line) => `cap ${line}`)
  ].join('\n')
}
