/** Requests for access that wait for an answer: local facts of this node (store rows `node/request/<id>`). */
import { formatId, parseId } from '@blocktree/codec'
import type { BlockStore } from '@blocktree/tree'
import { NodeError } from './node-error.ts'

const prefix: Uint8Array = new TextEncoder().encode('node/request/')
const prefixEnd: Uint8Array = new TextEncoder().encode('node/request0') // "0" follows "/"
const requestsMax = 1000 // a person answers them; more is a flood

export interface PendingRequest {
  readonly line: string
  readonly receivedMs: number
}

function keyOf(id: string): Uint8Array {
  return Buffer.concat([prefix, parseId(id)])
}

/** By the text of their ids. */
export async function listRequests(store: BlockStore): Promise<ReadonlyMap<string, PendingRequest>> {
  const found = new Map<string, PendingRequest>()
  for await (const [key, value] of store.local.range({ from: prefix, to: prefixEnd })) {
    const [receivedMs = '0', line = ''] = new TextDecoder().decode(value).split('\n')
    found.set(formatId(key.subarray(prefix.length)), { line, receivedMs: Number(receivedMs) })
  }
  return found
}

/** @throws ERR_ACCESS_LINE when too many wait already */
export async function addRequest(store: BlockStore, id: string, request: PendingRequest): Promise<void> {
  const held = await listRequests(store)
  if (held.has(id)) return
  if (held.size >= requestsMax) {
    throw new NodeError('ERR_ACCESS_LINE', `${held.size} requests wait already; answer or remove some first`)
  }
  const value = new TextEncoder().encode(`${request.receivedMs}\n${request.line}`)
  await store.commit({ local: [{ key: keyOf(id), value }] })
}

export async function removeRequest(store: BlockStore, id: string): Promise<void> {
  await store.commit({ local: [{ key: keyOf(id), value: undefined }] })
}
