/**
 * The apps of one process of a simulated node: the node's own host of apps over its files, locks and clock, with guests
 * that run in this process and get chance and time of the simulation.
 */
import { HostFailure, type HostServices, MessageSwitch, QuestionDesk, type AppLogLine } from '@blocktree/apps'
import type { AppRunError, AppRunner } from '@blocktree/app-package'
import { AppHost, createLockPort } from '@blocktree/node/app-host'
import { type GuestSurroundings, createMemoryRunner } from '@blocktree/sandbox/memory'
import type { VirtualTime } from '@blocktree/network/memory'
import type { SimulatedNode } from '../node.ts'
import type { ReadyPackage } from './app-package.ts'
import type { InstallationKeys } from './installation-keys.ts'
import { type FileListener, watchFiles } from './watched-files.ts'

export interface AppOnNodeOptions {
  readonly node: SimulatedNode
  readonly time: VirtualTime
  readonly treeId: Uint8Array
  readonly app: ReadyPackage
  readonly keys: InstallationKeys
  readonly files: FileListener
  readonly log: (line: AppLogLine) => void
  /** A guest ended by a fault of its own. */
  readonly trapped: (error: AppRunError) => void
}

export function openAppHost(options: AppOnNodeOptions): AppHost {
  const { node, time, treeId, app, keys } = options
  const { tree, owner, sharing, clock } = node
  const files = watchFiles(node.files, (actor) => actor !== owner, options.files)
  return new AppHost({
    crypto: node.files.context.crypto,
    files,
    tree,
    sharing,
    owner,
    treeId,
    principals: keys.of(node),
    services: servicesOf(options),
    content: { hold: () => Promise.resolve(() => undefined) },
    log: { forget: () => undefined },
    space: unlimited,
    now: () => clock.now(),
    verify: () => Promise.resolve(app.found)
  })

  function servicesOf({ log, trapped }: AppOnNodeOptions): HostServices {
    const timers = { start: time.start.bind(time), monotonic: () => time.now() }
    return {
      runner: runnerOf(app, surroundingsOf(node, time), trapped),
      locks: createLockPort(node.locks),
      messages: new MessageSwitch(),
      questions: new QuestionDesk({ timers, now: () => clock.now() }),
      http: { resolve: unreachable, request: unreachable },
      sockets: {
        resolve: unreachable,
        connect: unreachable,
        listen: unreachable,
        bindUdp: unreachable
      },
      timers,
      clock,
      random: node.random,
      log
    }
  }
}

const unlimited = {
  expectRoom: () => undefined,
  guarded: (chunks: AsyncIterable<Uint8Array>) => passOn(chunks),
  during: async <Result>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<Result>) =>
    await work(signal)
}

async function* passOn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

function unreachable(): Promise<never> {
  return Promise.reject(new HostFailure('unreachable', 'nothing outside the tree is simulated'))
}

function surroundingsOf({ random, clock }: SimulatedNode, time: VirtualTime): GuestSurroundings {
  return {
    randomFill: (target) => target.set(random.bytes(target.length)),
    realTime: () => BigInt(clock.now()) * 1_000_000n,
    monotonicTime: () => BigInt(Math.floor(time.now() * 1000)) * 1000n
  }
}

function runnerOf(
  { instrumentedModule }: ReadyPackage,
  surroundings: GuestSurroundings,
  trapped: (error: AppRunError) => void
): AppRunner {
  const runner = createMemoryRunner(surroundings)
  return {
    start: (app) =>
      runner.start({
        ...app,
        instrumentedModule,
        onRunEvent(event) {
          if (event.type === 'process-ended' && event.cause !== undefined) trapped(event.cause)
          app.onRunEvent?.(event)
        }
      })
  }
}
