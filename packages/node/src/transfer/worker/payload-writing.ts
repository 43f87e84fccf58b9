/**
 * The content of one version, read from the log, verified, opened and written to an open file. Holes are skipped, so
 * a sparse file comes out sparse.
 */
import { ftruncateSync, writeSync } from 'node:fs'
import {
  type PayloadDescriptor,
  type Reference,
  TreeError,
  childrenOfNode,
  isHole,
  leafLength,
  openNode,
  openSector,
  sectorStoredBytes
} from '@blocktree/tree'
import type { OpenContext, OpenedHeader } from './open-headers.ts'
import { type Place, placeAt } from './store-access.ts'

const fanOut = 256

export interface Payload {
  readonly descriptor: PayloadDescriptor
  readonly size: number
  readonly root: Reference
}

export function payloadOf({ record, opened }: OpenedHeader): Payload | undefined {
  const descriptor = record.body.payload
  if (descriptor === undefined) return undefined
  const root = { hash: descriptor.rootHash, key: opened.rootKey ?? new Uint8Array(0) }
  return { descriptor, size: opened.size, root }
}

/** The only sector of a small file. */
export function openOnlySector(context: OpenContext, payload: Payload, bytes: Uint8Array): Uint8Array {
  return openLeaf(context, payload, { ...payload.root, index: 0 }, bytes)
}

function openLeaf(
  { crypto }: OpenContext,
  { descriptor, size }: Payload,
  leaf: Reference & { readonly index: number },
  bytes: Uint8Array
): Uint8Array {
  const { aead, sectorLog2 } = descriptor
  const length = sectorStoredBytes(aead, leafLength(size, sectorLog2, leaf.index))
  if (bytes.length !== length) {
    throw new TreeError(
      'ERR_PAYLOAD_SHAPE',
      `sector ${leaf.index} has ${bytes.length} bytes instead of ${length}`
    )
  }
  const plaintext = openSector(crypto, aead, leaf.key, bytes)
  const sectorBytes = 2 ** sectorLog2
  return plaintext.subarray(0, Math.min(sectorBytes, size - leaf.index * sectorBytes))
}

/** Writes the sectors of nodes of level 1 from `firstNode` to before `endNode`. */
export async function writeNodes(
  context: OpenContext,
  payload: Payload,
  fd: number,
  nodes: { readonly first: number; readonly end: number }
): Promise<number> {
  let written = 0
  for (let index = nodes.first; index < nodes.end; index++) {
    const children = await openNodeAt(context, payload, 1, index)
    if (children !== undefined)
      written += await writeLeaves(context, payload, fd, { first: index * fanOut, references: children })
  }
  return written
}

/** The children of a node; undefined when it is, or lies in, a hole. */
async function openNodeAt(
  context: OpenContext,
  payload: Payload,
  level: number,
  index: number
): Promise<readonly Reference[] | undefined> {
  const { descriptor, size, root } = payload
  const above =
    level === descriptor.levels
      ? undefined
      : await openNodeAt(context, payload, level + 1, Math.floor(index / fanOut))
  const reference = level === descriptor.levels ? root : above?.[index % fanOut]
  if (reference === undefined || isHole(reference)) return undefined
  const places = await context.asking.places(new Uint8Array(reference.hash))
  const bytes =
    context.store.readSector(reference.hash, placeAt(places, 0)) ??
    (await context.store.askSector(reference.hash, context.asking))
  const node = {
    level,
    count: childrenOfNode(size, descriptor.sectorLog2, level, index),
    key: reference.key,
    bytes: new Uint8Array(bytes)
  }
  return openNode(context.crypto, descriptor.aead, node)
}

async function writeLeaves(
  context: OpenContext,
  payload: Payload,
  fd: number,
  run: { readonly first: number; readonly references: readonly Reference[] }
): Promise<number> {
  const hashes = new Uint8Array(run.references.length * 32)
  for (const [index, { hash }] of run.references.entries()) hashes.set(hash, index * 32)
  const places = await context.asking.places(hashes)
  let written = 0
  for (const [index, reference] of run.references.entries()) {
    if (isHole(reference)) continue
    written += await writeLeaf(context, payload, fd, {
      ...reference,
      index: run.first + index,
      place: placeAt(places, index)
    })
  }
  return written
}

async function writeLeaf(
  context: OpenContext,
  payload: Payload,
  fd: number,
  leaf: Reference & { readonly index: number; readonly place: Place }
): Promise<number> {
  const bytes =
    context.store.readSector(leaf.hash, leaf.place) ??
    (await context.store.askSector(leaf.hash, context.asking))
  const plaintext = openLeaf(context, payload, leaf, bytes)
  writeFully(fd, plaintext, leaf.index * 2 ** payload.descriptor.sectorLog2)
  return plaintext.length
}

export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length)
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
}

/** Gives the file its length when it ends in a hole. */
export function extendTo(fd: number, size: number): void {
  ftruncateSync(fd, size)
}
