/** What has to be true when everything works again, whatever happened before. */
import { authorityRoot, type Id, type TreeState, zoneRoots } from '@blocktree/tree'
import type { SimulatedNode } from './node.ts'
import type { Simulation } from './simulation.ts'
import type { Workload } from './workload.ts'

export interface Violation {
  readonly rule: string
  readonly what: string
}

const agreementMs = 3_600_000
const stepMs = 5000

/** Lets time pass until all nodes hold the same, then looks at everything. */
export async function judge(simulation: Simulation, workload: Workload): Promise<readonly Violation[]> {
  const agreement = await untilAgreed(simulation)
  const down = simulation.names.filter((name) => simulation.node(name) === undefined)
  const found = [
    ...down.map((what) => ({ rule: 'every node starts when its machine works', what })),
    ...agreement,
    ...oneLeader(simulation),
    ...exclusiveLocks(workload),
    ...workload.surprises.map((what) => ({ rule: 'no error without a code', what }))
  ]
  for (const node of simulation.running()) {
    found.push(...nothingLost(node, workload), ...nothingPending(node), ...(await soundRecords(node)))
    found.push(...contentThere(node, workload))
  }
  return found
}

async function untilAgreed(simulation: Simulation): Promise<readonly Violation[]> {
  const until = simulation.time.now() + agreementMs
  let summaries: readonly string[] = []
  while (simulation.time.now() < until) {
    await simulation.time.advance(stepMs)
    summaries = await Promise.all(simulation.running().map((node) => summaryOf(simulation, node)))
    if (
      new Set(summaries).size === 1 &&
      simulation.running().every((node) => node.sync.status.payloadsWanted === 0)
    )
      return []
  }
  return [{ rule: 'all replicas agree after healing', what: differences(summaries) }]
}

/** Everything that is held, as one text. */
export async function summaryOf(simulation: Simulation, node: SimulatedNode): Promise<string> {
  const { tree } = node
  const crypto = node.files.context.crypto
  const lines: string[] = [`authority ${authorityRoot(tree, crypto).toHex()}`]
  for await (const { block, tips } of tree.blockTips({ from: new Uint8Array(0) })) {
    const state = tree.blockState(block)
    const texts = (ids: readonly Id[] = []): string =>
      ids
        .map((id) => id.toHex())
        .toSorted()
        .join(',')
    const { quarantine, late, pending } = state?.labels ?? {}
    lines.push(
      `${block.toHex()} tips ${texts(tips)} heads ${texts(state?.heads.map(({ id }) => id))} winner ${state?.winner?.id.toHex() ?? 'none'} ` +
        `quarantine ${texts(quarantine)} late ${texts(late)} pending ${texts(pending)}`
    )
  }
  lines.push(`heads ${(await zoneRoots(tree, crypto, simulation.rootBlock)).headsRoot.toHex()}`)
  return lines.join('\n')
}

function differences(summaries: readonly string[]): string {
  const [first, ...others] = summaries.map((summary) => new Set(summary.split('\n')))
  if (first === undefined) return 'no node runs'
  return others
    .map((other, index) => {
      const missing = [...first].filter((line) => !other.has(line))
      const extra = [...other].filter((line) => !first.has(line))
      return `against node ${index + 2}: ${missing.length} lines missing, ${extra.length} more; first: ${missing[0] ?? extra[0] ?? 'none'}`
    })
    .join('; ')
}

function oneLeader(simulation: Simulation): readonly Violation[] {
  return [...simulation.leaders]
    .filter(([, leaders]) => leaders.size > 1)
    .map(([term, leaders]) => ({
      rule: 'no two leaders in a term',
      what: `term ${term}: ${[...leaders].join(' and ')}`
    }))
}

function exclusiveLocks({ locks }: Workload): readonly Violation[] {
  const rule = 'no lock held twice, every token higher'
  const inOrder = locks.toSorted((left, right) => left.token - right.token)
  return inOrder.flatMap((later, index) => {
    const earlier = inOrder[index - 1]
    if (earlier === undefined) return []
    const what = `token ${later.token} of ${later.node} from ${later.fromMs}, token ${earlier.token} of ${earlier.node} until ${earlier.toMs}`
    return later.token > earlier.token && later.fromMs >= earlier.toMs ? [] : [{ rule, what }]
  })
}

function nothingLost(node: SimulatedNode, workload: Workload): readonly Violation[] {
  return workload.acknowledged
    .filter(({ version }) => node.tree.header(version, false) === undefined)
    .map((written) => ({
      rule: 'no acknowledged write is lost',
      what: `${node.identity.name} has no version ${written.version.toHex().slice(0, 16)} of ${written.path}, acknowledged by ${written.node}`
    }))
}

function nothingPending({ identity, tree }: SimulatedNode): readonly Violation[] {
  const { records } = tree.parked
  return records === 0
    ? []
    : [{ rule: 'nothing waits for ever', what: `${identity.name} still parks ${records} records` }]
}

async function soundRecords({ identity, tree }: SimulatedNode): Promise<readonly Violation[]> {
  const found: Violation[] = []
  for await (const problem of recordProblems(tree)) {
    found.push({ rule: 'no record is held without a valid chain', what: `${identity.name}: ${problem}` })
  }
  return found
}

async function* recordProblems(tree: TreeState): AsyncGenerator<string> {
  for await (const { id, message } of tree.verifyAll()) yield `${id.toHex().slice(0, 16)}: ${message}`
}

/** Files that one node created and nobody changed read the same everywhere. */
function contentThere(node: SimulatedNode, workload: Workload): readonly Violation[] {
  const found: Violation[] = []
  for (const { path, content } of workload.acknowledged) {
    if (content === undefined || workload.removed.has(path)) continue
    const what = problemWith(node, path, content)
    if (what !== undefined)
      found.push({ rule: 'what was written is read', what: `${node.identity.name}, ${path}: ${what}` })
  }
  return found
}

function problemWith(node: SimulatedNode, path: string, content: Uint8Array): string | undefined {
  try {
    const { bytes } = node.files.read(node.owner, path)
    return Buffer.from(bytes).equals(content) ? undefined : 'other bytes'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
