/** Several nodes at once, each in a directory of its own below one temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MethodShapes, MethodTable } from '@blocktree/rpc'
import { NodeProcess } from './node-process.ts'
import { createReaper } from './reaper.ts'

export interface HarnessOptions<M extends MethodShapes<M>> {
  /** Types and byte fields of the methods that are called. */
  readonly table?: MethodTable<M>
  /** Leaves the directories behind, for a look at them. */
  readonly keep?: boolean
  /** For every node. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface PrepareOptions {
  readonly arguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Words before the program, of a command that becomes it: one that enters a network namespace. */
  readonly launcher?: readonly string[]
  /** Another place than below the harness's own directory; it is not removed. */
  readonly directory?: string
}

export interface Harness<M extends MethodShapes<M>> extends AsyncDisposable {
  /** Temporary directory of this harness: nodes are below it, tests may put files there. */
  readonly directory: string
  readonly nodes: readonly NodeProcess<M>[]
  /** A node that is not started yet. */
  prepareNode(name: string, options?: PrepareOptions): NodeProcess<M>
  /** Prepared and started. */
  startNode(name: string, options?: PrepareOptions): Promise<NodeProcess<M>>
  /** Kills what runs, removes what was made. */
  close(): Promise<void>
}

export function createHarness<M extends MethodShapes<M>>(options: HarnessOptions<M> = {}): Harness<M> {
  const directory = mkdtempSync(join(tmpdir(), 'blocktree-harness-'))
  const reaper = createReaper()
  const nodes: NodeProcess<M>[] = []
  if (options.keep !== true) reaper.watchDirectory(directory)

  function prepareNode(name: string, prepare: PrepareOptions = {}): NodeProcess<M> {
    const node = new NodeProcess<M>(
      {
        name,
        directory: prepare.directory ?? join(directory, name),
        ...(options.table === undefined ? {} : { table: options.table }),
        arguments: prepare.arguments ?? [],
        launcher: prepare.launcher ?? [],
        environment: { ...options.environment, ...prepare.environment }
      },
      reaper
    )
    nodes.push(node)
    return node
  }

  async function close(): Promise<void> {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    if (options.keep !== true)
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    await reaper.close()
  }

  return {
    directory,
    nodes,
    prepareNode,
    async startNode(name, prepare) {
      const node = prepareNode(name, prepare)
      await node.start()
      return node
    },
    close,
    [Symbol.asyncDispose]: close
  }
}
