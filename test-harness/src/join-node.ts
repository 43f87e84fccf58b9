/** A node made by joining the tree of another one, as a person does it at the command line. */
import { execFile, type PromiseWithChild } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { blocktreeBinary, type Harness, waitFor } from '@blocktree/harness'
import type { NodeMethods } from '@blocktree/node/method-table'
import { expectEqual } from './expect.ts'
import type { Node } from './scenario.ts'

const run = promisify(execFile)

/** A port of 127.0.0.1 that nobody listens at now. */
export async function freePort(): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}

/** Settings of a node that speaks with others on this machine alone, at a port that it keeps over restarts. */
export async function loopback(): Promise<Readonly<Record<string, string>>> {
  return { BLOCKTREE_NETWORK_HOST: '127.0.0.1', BLOCKTREE_NETWORK_PORT: String(await freePort()) }
}

export interface JoinOptions {
  /** The directory that it gets; the whole tree when absent. */
  readonly path?: string
  /** Of the node that joins; that of `loopback` when absent. */
  readonly environment?: Readonly<Record<string, string>>
  /** The owner compares fingerprints and says yes; without it the code itself lets the node in. */
  readonly isApprovedByHand?: boolean
  /** Words before the program, of a command that becomes it: one that enters a network namespace. */
  readonly launcher?: readonly string[]
}

/** `owner` invites, a new node joins and is started. Both have to have the settings of `loopback`. */
export async function joinNode(
  harness: Harness<NodeMethods>,
  owner: Node,
  name: string,
  options: JoinOptions = {}
): Promise<Node> {
  const isByHand = options.isApprovedByHand === true
  const { code } = await owner.call('node.invite', {
    approved: !isByHand,
    name,
    ...(options.path === undefined ? {} : { path: options.path })
  })
  const directory = join(harness.directory, name)
  // what is set for the tests is no setting of a node
  const foreign = Object.entries(process.env).filter(([variable]) => !variable.startsWith('BLOCKTREE_'))
  const environment = options.environment ?? (await loopback())
  const env = { ...Object.fromEntries(foreign), ...environment }
  const words = [blocktreeBinary, 'node', 'join', code, '--data', directory, '--name', name]
  const { launcher = [] } = options
  const [program = process.execPath, ...rest] = [...launcher, process.execPath, ...words]
  const joined = run(program, rest, { env })
  await Promise.all([joined, isByHand ? approve(owner, joined) : undefined])
  return await harness.startNode(name, { directory, environment, launcher })
}

/** As a person does it: the fingerprint that the new machine shows is looked up among those that wait here. */
async function approve(
  owner: Node,
  joined: PromiseWithChild<{ stdout: string; stderr: string }>
): Promise<void> {
  let shown = ''
  joined.child.stderr?.on('data', (chunk: Buffer | string) => (shown += String(chunk)))
  const fingerprint = await waitFor(() => /node approve (\S+)/.exec(shown)?.[1], {
    timeoutMs: 60_000,
    description: 'the fingerprint on the new machine'
  })
  const { candidates } = await owner.call('node.candidates', {})
  expectEqual(
    candidates.map((candidate) => candidate.fingerprint),
    [fingerprint],
    'fingerprints of those who wait'
  )
  await owner.call('node.approve', { candidate: fingerprint })
}

/** Asks until it is so; a minute at most. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  what: string,
  limitMs = 60_000
): Promise<number> {
  const started = performance.now()
  for (;;) {
    if (await isSo()) return performance.now() - started
    if (performance.now() - started > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** True when the node is in step with every peer and has all contents. */
export async function isInStep(node: Node, peers = 1): Promise<boolean> {
  const { trees } = await node.call('sync.status', {})
  const [own] = trees
  return (
    own !== undefined &&
    own.peers.filter(({ state }) => state === 'in step').length >= peers &&
    own.contentsWanted === 0
  )
}
