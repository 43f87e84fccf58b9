/**
 * Apps of a node as one part: loaded when there are any, so that a node without apps pays nothing for them. Owns the
 * runner, the shared services, the front and the host.
 */
import { join } from 'node:path'
import { HostFailure, MessageSwitch, QuestionDesk, type AppLogLine } from '@blocktree/apps'
import { createProcessRunner, findEngine, type ProcessRunner } from '@blocktree/sandbox'
import type { NodeParts } from '../create-node.ts'
import { enginesFolder } from '../engine.ts'
import type { AppsStatus } from '../method-table/node-methods.ts'
import { type AppFront, type FrontAddress, openAppFront, urlOf } from './app-front.ts'
import { createAppContent } from './app-content.ts'
import { AppHost } from './app-host.ts'
import { AppLog } from './app-log.ts'
import { createHttpPort } from './http-port.ts'
import { createLockPort } from './lock-port.ts'
import { createSocketPort } from './socket-port.ts'
import { createTimerPort } from './timer-port.ts'

export interface NodeApps {
  readonly host: AppHost
  readonly log: AppLog
  readonly runner: ProcessRunner
  readonly questions: QuestionDesk
  /** Between apps here, and to those of other nodes. */
  readonly messages: MessageSwitch
  /** Where apps answer; undefined when the gateway does not listen, and why. */
  readonly address: FrontAddress | undefined
  readonly addressProblem: string | undefined
  /** URL of an app on this machine; undefined when the gateway does not listen. */
  urlOf(app: string): string | undefined
  status(): Promise<AppsStatus>
  close(): Promise<void>
}

type Parts = Pick<
  NodeParts,
  | 'configuration'
  | 'directory'
  | 'record'
  | 'log'
  | 'clock'
  | 'crypto'
  | 'tree'
  | 'files'
  | 'sharing'
  | 'principals'
  | 'trees'
  | 'space'
  | 'cluster'
  | 'sync'
  | 'locks'
>

export async function openNodeApps(parts: Parts): Promise<NodeApps> {
  const { directory, clock, crypto, tree, files, sharing, principals, trees, space } = parts
  const now = (): number => clock.now()
  const log = new AppLog(now)
  const timers = createTimerPort()
  const runner = createRunner(parts)
  const questions = new QuestionDesk({ timers, now })
  const locks = createLockPort(parts.locks)
  const messages = new MessageSwitch({
    send: async (recipient, message) => {
      const cluster = await parts.cluster.loaded()
      if (cluster === undefined) throw new HostFailure('unreachable', 'this node has no connection to others')
      await cluster.appMessages.send(recipient, message)
    }
  })
  const services = {
    runner,
    locks,
    questions,
    messages,
    http: createHttpPort(),
    sockets: createSocketPort(),
    timers,
    clock,
    random: crypto.random,
    log: (line: AppLogLine) => logLine(parts, log, line)
  }
  const host = new AppHost({
    crypto,
    files,
    tree,
    sharing,
    principals,
    space,
    services,
    content: createAppContent(parts),
    log,
    owner: principals.node,
    treeId: trees.own.id,
    now
  })
  const front = await openAppFront({ ...parts, host })
  try {
    await host.startAll()
  } catch (error) {
    await front.close()
    await host.close()
    throw error
  }
  return {
    host,
    log,
    runner,
    questions,
    messages,
    address: front.address,
    addressProblem: front.problem,
    urlOf: (app) => front.address && urlOf(front.address, app),
    status: () => describeApps(host, runner, front),
    async close() {
      await front.close()
      await host.close()
    }
  }

  function createRunner({ configuration: { apps } }: Parts): ProcessRunner {
    const installed = apps.engine === 'v8' ? undefined : findEngine(join(directory.path, enginesFolder))
    return createProcessRunner({
      ...(apps.sandbox === 'auto' ? {} : { requiredLevel: apps.sandbox }),
      ...(apps.engine === 'auto' ? {} : { engine: apps.engine }),
      ...(installed === undefined ? {} : { library: installed.library })
    })
  }
}

function logLine({ log }: Parts, appLog: AppLog, line: AppLogLine): void {
  appLog.add(line)
  const level = line.level === 'warning' ? 'warn' : line.level
  if (line.source === 'host' && level !== 'debug') log[level]('app', { app: line.app, message: line.message })
}

async function describeApps(host: AppHost, runner: ProcessRunner, front: AppFront): Promise<AppsStatus> {
  const names = await host.names()
  const failing: string[] = []
  let running = 0
  for (const name of names) {
    const state = host.stateOf(name)
    if (state === 'suspended' || state === 'failed' || state === 'damaged') failing.push(name)
    else if (state !== 'stopped') running++
  }
  const { address, problem } = front
  return {
    installed: names.length,
    running,
    failing,
    engine: runner.engine,
    level: runner.level,
    ...(address === undefined ? {} : { address: urlOf(address, '<app>') }),
    ...(problem === undefined ? {} : { problem })
  }
}
