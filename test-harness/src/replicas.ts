/** What several nodes of one tree hold: read, compared and waited for, over their own methods. */
import { expectEqual } from './expect.ts'
import { isInStep, waitUntil } from './join-node.ts'
import type { Node } from './scenario.ts'
import { decodeText, encodeText } from './text.ts'

/** undefined when there is no such file, or nothing of it can be read there. */
export async function textAt(node: Node, path: string): Promise<string | undefined> {
  const data = await dataAt(node, path)
  return data === undefined ? undefined : decodeText(data)
}

/** undefined when there is no such file, or nothing of it can be read there. */
export async function dataAt(node: Node, path: string): Promise<Uint8Array | undefined> {
  try {
    return (await node.call('file.read', { path, length: readMax })).data
  } catch {
    return undefined
  }
}

const readMax = 8 * 1024 * 1024

export async function writeText(node: Node, path: string, text: string): Promise<void> {
  await node.call('file.create', { path, data: encodeText(text) })
}

/** Over the content that is there. */
export async function rewriteText(node: Node, path: string, text: string): Promise<void> {
  await node.call('file.write', { path, offset: 0, data: encodeText(text) })
}

const limitMs = 120_000

/** @returns milliseconds until it was there on all */
export async function arrives(nodes: readonly Node[], path: string, text: string): Promise<number> {
  const waits = nodes.map((node) =>
    waitUntil(
      async () => (await textAt(node, path)) === text,
      `"${text}" at ${path} on ${node.name}`,
      limitMs
    )
  )
  return Math.max(...(await Promise.all(waits)))
}

/** Each is in step with all of the others. */
export async function allInStep(nodes: readonly Node[], peers: number = nodes.length - 1): Promise<number> {
  const waits = nodes.map((node) =>
    waitUntil(async () => await isInStep(node, peers), `${node.name} in step with ${peers}`, limitMs)
  )
  return Math.max(...(await Promise.all(waits)))
}

/** Entries of a directory; 0 while it is not there. */
export async function countAt(node: Node, path: string): Promise<number> {
  try {
    return (await node.call('file.list', { path, limit: 1 })).total
  } catch {
    return 0
  }
}

/** Every file below the path on each node, with its content in hex. */
export async function expectSameContent(nodes: readonly Node[], path: string): Promise<number> {
  const [first, ...others] = await Promise.all(nodes.map((node) => contentBelow(node, path)))
  for (const [index, other] of others.entries())
    expectEqual(
      other,
      first,
      `content of ${path} on ${nodes[index + 1]?.name ?? ''} and ${nodes[0]?.name ?? ''}`
    )
  return Object.keys(first ?? {}).length
}

async function contentBelow(node: Node, path: string): Promise<Readonly<Record<string, string>>> {
  const { entries } = await node.call('file.list', { path, limit: 1000 })
  const content: Record<string, string> = {}
  for (const { name, kind } of entries) {
    const inner = `${path === '/' ? '' : path}/${name}`
    if (kind === 'directory') Object.assign(content, await contentBelow(node, inner))
    else if (kind === 'file') {
      const { data } = await node.call('file.read', { path: inner, length: readMax })
      content[inner] = Buffer.from(data).toString('hex')
    }
  }
  return content
}

/** All list the same conflicts, and show the same version. @returns the paths in conflict, sorted */
export async function expectSameConflicts(nodes: readonly Node[]): Promise<readonly string[]> {
  const lists = await Promise.all(nodes.map((node) => node.call('file.conflicts', {})))
  const [first, ...others] = lists.map(({ conflicts }) => conflicts)
  for (const other of others) expectEqual(other, first, 'conflicts')
  return (first ?? []).map(({ path = '' }) => path).toSorted()
}
