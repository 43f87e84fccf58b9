/** What has to be true when everything works again, whatever happened before. */
import { type Id, type TreeState, right } from '@blocktree/tree'
import { holdersOf, isContentLost, isPromised } from './lost-content.ts'
import type { SimulatedNode } from './node.ts'
import type { Simulation } from './simulation.ts'
import { type Violation, differencesOf, summaryOfTree } from './summary.ts'
import { anyOrder } from './any-order.ts'
import { wholeView } from './whole-view.ts'
import type { Acknowledged, Workload } from './workload.ts'

const agreementMs = 3_600_000
const stepMs = 5000

/** Lets time pass until all nodes hold the same, then looks at everything. */
export async function judge(simulation: Simulation, workload: Workload): Promise<readonly Violation[]> {
  const agreement = await untilAgreed(simulation, workload.acknowledged)
  const down = simulation.surviving.filter((name) => simulation.node(name) === undefined)
  const found = [
    ...down.map((what) => ({ rule: 'every node starts when its machine works', what })),
    ...agreement,
    ...oneLeader(simulation),
    ...exclusiveLocks(workload),
    ...fencedWrites(workload),
    ...writesOfThoseWhoWentBack(simulation, workload),
    ...workload.surprises.map((what) => ({ rule: 'no error without a code', what }))
  ]
  for (const node of simulation.running()) {
    found.push(...nothingLost(simulation, node, workload), ...nothingPending(node))
    found.push(...(await trueSummaries(node)))
    found.push(...(await soundRecords(node)), ...contentThere(simulation, node, workload))
    found.push(...visitorsOut(node, workload), ...membersIn(simulation, node))
  }
  const [first] = simulation.running()
  if (first !== undefined) found.push(...(await anyOrder(simulation, first)), ...(await wholeView(first)))
  return found
}

/**
 * Lets time pass until all nodes that run hold the same records and content.
 * @param acknowledged what a machine may have taken along that is lost for good; without it nothing may be missing
 */
export async function untilAgreed(
  simulation: Simulation,
  acknowledged?: readonly Acknowledged[]
): Promise<readonly Violation[]> {
  const until = simulation.time.now() + agreementMs
  let disagreements: readonly string[] = ['nothing was compared']
  while (simulation.time.now() < until) {
    await simulation.time.advance(stepMs)
    disagreements = await disagreementsOf(simulation, acknowledged)
    if (disagreements.length === 0) return []
  }
  return [{ rule: 'all replicas agree after healing', what: disagreements.join('; ') }]
}

/** What nodes that run hold otherwise than others, and content that they still want. */
export async function disagreementsOf(
  simulation: Simulation,
  acknowledged?: readonly Acknowledged[]
): Promise<readonly string[]> {
  const nodes = simulation.running()
  const summaries = await Promise.all(nodes.map((node) => summaryOf(simulation, node)))
  const wanting = nodes.flatMap((node) => wantedBy(simulation, node, acknowledged) ?? [])
  return [
    ...differencesOf(
      nodes.map(({ identity }) => identity.name),
      summaries
    ),
    ...wanting
  ]
}

function wantedBy(
  simulation: Simulation,
  node: SimulatedNode,
  acknowledged: readonly Acknowledged[] | undefined
): string | undefined {
  const isLost = (record: Id): boolean =>
    acknowledged !== undefined && isContentLost(simulation, acknowledged, node, record)
  const wanted = node.sync.wantedRecords.filter((record) => !isLost(record))
  const [first] = wanted
  if (first === undefined) return undefined
  const holders = holdersOf(simulation, node, first).join(', ') || 'nobody'
  return `${node.identity.name} still wants the content of ${wanted.length} records; first: ${first.toHex().slice(0, 16)}, of which ${holders} has what it lacks`
}

/** Everything that is held, as one text. */
export async function summaryOf(simulation: Simulation, { tree, files }: SimulatedNode): Promise<string> {
  return await summaryOfTree(tree, files.context.crypto, simulation.rootBlock)
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

function nothingLost(simulation: Simulation, node: SimulatedNode, workload: Workload): readonly Violation[] {
  return workload.acknowledged
    .filter((written) => isPromised(simulation, written))
    .filter(({ version }) => node.tree.header(version, false) === undefined)
    .map((written) => ({
      rule: 'no acknowledged write is lost',
      what: `${node.identity.name} has no version ${written.version.toHex().slice(0, 16)} of ${written.path}, acknowledged by ${written.node}`
    }))
}

/** MODEL A56: a write under a token is refused once a higher one was given. */
function fencedWrites({ locks, fenced }: Workload): readonly Violation[] {
  return fenced.flatMap(({ node, token, beganMs }) => {
    const newer = locks.find((held) => held.token > token && held.fromMs <= beganMs)
    if (newer === undefined) return []
    const what = `${node} wrote under ${token} at ${beganMs}, when ${newer.node} had got ${newer.token}`
    return [{ rule: 'no write under a token that another one has followed', what }]
  })
}

/** Spec 28.11 (MODEL A18): nothing is written by a node that went back before it has caught up, and then it is. */
function writesOfThoseWhoWentBack(simulation: Simulation, { tooEarly }: Workload): readonly Violation[] {
  const rule = 'a node that went back writes nothing before it has caught up'
  const held = simulation.running().filter(({ tree }) => tree.holdsWrites)
  return [
    ...tooEarly.map((what) => ({ rule, what })),
    ...held.map(({ identity }) => ({
      rule: 'a node that went back writes again in the end',
      what: `${identity.name} holds its writes`
    }))
  ]
}

function nothingPending({ identity, tree }: SimulatedNode): readonly Violation[] {
  const { records } = tree.parked
  return records === 0
    ? []
    : [{ rule: 'nothing waits for ever', what: `${identity.name} still parks ${records} records` }]
}

/** What is compared with other nodes is kept in memory: it has to be what the records say. */
async function trueSummaries({ identity, sync }: SimulatedNode): Promise<readonly Violation[]> {
  const wrong = await sync.verifySummaries()
  const corrected = sync.status.summariesCorrected
  if (wrong.length + corrected === 0) return []
  const what = `${identity.name}: ${corrected} places were corrected, and wrong are ${wrong.join(', ') || 'none'}`
  return [{ rule: 'summaries in memory are those of the records', what }]
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
function contentThere(simulation: Simulation, node: SimulatedNode, workload: Workload): readonly Violation[] {
  const found: Violation[] = []
  for (const written of workload.acknowledged) {
    const { path, content } = written
    if (content === undefined || !isPromised(simulation, written) || workload.removed.has(path)) continue
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

/** MODEL D6 and D5: what a visitor wrote after it was put out never counts, and what was written then it cannot open. */
function visitorsOut(node: SimulatedNode, { owner }: Workload): readonly Violation[] {
  const found: Violation[] = []
  const { tree, files, identity } = node
  for (const { putOut, principal, written, secrets } of owner.visitors) {
    if (putOut === undefined) continue
    for (const id of owner.isKept(putOut.cap) ? written : []) {
      const header = tree.header(Uint8Array.fromHex(id), false)
      const winner = header && tree.blockState(header.body.block)?.winner
      if (winner === undefined || winner.id.toHex() !== id || putOut.versionsKnown.has(id)) continue
      const what = `${identity.name} shows ${id.slice(0, 16)}, written after its writer was put out`
      found.push({ rule: 'what was written after a revocation never counts', what })
    }
    const actor = files.actor(principal)
    for (const id of owner.isKept(putOut.grant) ? secrets : []) {
      const header = tree.header(Uint8Array.fromHex(id), false)
      const path = header && files.pathOf(node.owner, header.body.block)
      if (path === undefined || !isOpen(() => files.read(actor, path))) continue
      const what = `${path} opens on ${identity.name} for somebody who was put out before it was written`
      found.push({ rule: 'a former reader opens nothing later', what })
    }
    actor.close()
  }
  return found
}

function isOpen(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}

/** E12: no former root takes a right away from those who are kept. */
function membersIn(simulation: Simulation, { identity, tree }: SimulatedNode): readonly Violation[] {
  const { rootBlock } = simulation
  return simulation.surviving.flatMap((name) => {
    const member = simulation.principalOf(name)
    if (tree.capFor(member, { block: rootBlock, home: rootBlock, rights: right.write }) !== undefined)
      return []
    return [
      { rule: 'who was kept may go on', what: `${name} may not write any more, as ${identity.name} has it` }
    ]
  })
}
