/**
 * Content that went with a machine: its header had reached others before the machine was lost, its parts had not. They go on
 * asking each other for it, as they should, and nobody can have it. Nothing was promised by that; whatever a machine that is
 * kept had promised, or has, is not lost.
 */
import { type Id, type PayloadDescriptor, listReferences } from '@blocktree/tree'
import type { SimulatedNode } from './node.ts'
import type { Simulation } from './simulation.ts'
import type { Acknowledged } from './workload.ts'

/** What a promise is worth: one of those who gave it is still there. */
export function isPromised(simulation: Simulation, { holders }: Acknowledged): boolean {
  return holders.some(({ node, fromMs, toMs }) => simulation.keeps(node, fromMs, toMs))
}

/** True when its content went with a machine: what this node lacks of it nobody has, and nobody who is kept promised it. */
export function isContentLost(
  simulation: Simulation,
  acknowledged: readonly Acknowledged[],
  node: SimulatedNode,
  record: Id
): boolean {
  // Who does not run may have it.
  if (simulation.running().length < simulation.surviving.length) return false
  const header = node.tree.header(record, false)
  if (header === undefined || holdersOf(simulation, node, record).length > 0) return false
  const written = acknowledged.filter(({ version }) => version.toHex() === record.toHex())
  if (written.length > 0) return !written.some((one) => isPromised(simulation, one))
  // Its writer never got an answer: it is lost with the machine that wrote it alone.
  return simulation.hasLost(simulation.nameOf(header.signer))
}

/** Nodes that run and have something of what this node lacks. */
export function holdersOf(simulation: Simulation, node: SimulatedNode, record: Id): readonly string[] {
  const payload = node.tree.header(record, false)?.body.payload
  const lacking = payload === undefined ? [] : lackingParts(node, payload)
  const others = simulation.running().filter((other) => other !== node)
  return others
    .filter(
      (other) =>
        other.store.readRecord(record)?.inline !== undefined ||
        lacking.some((part) => readPart(other, part) !== undefined)
    )
    .map(({ identity }) => identity.name)
}

/** Parts that cannot be read; those below an inner node that cannot be read are not known. */
function lackingParts(node: SimulatedNode, payload: PayloadDescriptor): readonly Id[] {
  const lacking: Id[] = []
  const read = (part: Id): Uint8Array | undefined => readPart(node, part)
  for (const { hash } of listReferences(payload, read, { onMissing: () => undefined }))
    if (read(hash) === undefined) lacking.push(hash)
  return lacking
}

/** undefined also when its bytes are damaged */
function readPart({ store }: SimulatedNode, part: Id): Uint8Array | undefined {
  try {
    return store.readSector(part)
  } catch {
    return undefined
  }
}
