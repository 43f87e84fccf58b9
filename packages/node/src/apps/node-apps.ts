/**
 * Apps of a node as one part: loaded when there are any, so that a node without apps pays nothing for them. Owns the
 * runner, the shared services, the gateway and the host.
 */
import { join } from 'node:path'
import { LockTable, MessageSwitch, QuestionDesk, type AppLogLine } from '@blocktree/apps'
import { createGateway, type AccessLine, type Gateway } from '@blocktree/gateway'
import { createProcessRunner, findEngine, type ProcessRunner } from '@blocktree/sandbox'
import type { NodeParts } from '../create-node.ts'
import { enginesFolder } from '../engine.ts'
import type { AppsStatus } from '../method-table/node-methods.ts'
import { reasonOf } from '../node-error.ts'
import { AppHost } from './app-host.ts'
import { AppLog } from './app-log.ts'
import { openFencingTokens } from './fencing-tokens.ts'
import { createHttpPort } from './http-port.ts'
import { createSocketPort } from './socket-port.ts'
import { createTimerPort } from './timer-port.ts'

export interface NodeApps {
  readonly host: AppHost
  readonly log: AppLog
  readonly runner: ProcessRunner
  readonly questions: QuestionDesk
  readonly locks: LockTable
  /** Where apps answer; undefined when the gateway does not listen, and why. */
  readonly address: { readonly host: string; readonly port: number; readonly isSecure: boolean } | undefined
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
  | 'store'
  | 'tree'
  | 'files'
  | 'sharing'
  | 'principals'
  | 'trees'
>

const gatewayGraceMs = 2000 // running answers get this long when the node stops

export async function openNodeApps(parts: Parts): Promise<NodeApps> {
  const { directory, clock, crypto, store, tree, files, sharing, principals, trees } = parts
  const now = (): number => clock.now()
  const log = new AppLog(now)
  const timers = createTimerPort()
  const runner = createRunner(parts)
  const questions = new QuestionDesk({ timers, now })
  const locks = new LockTable({ timers, nextToken: await openFencingTokens(store) })
  const services = {
    runner,
    locks,
    questions,
    messages: new MessageSwitch(),
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
    services,
    log,
    owner: principals.node,
    treeId: trees.own.id,
    now
  })
  const front = await openFront(parts, host)
  await host.startAll()
  return {
    host,
    log,
    runner,
    questions,
    locks,
    address: front.address,
    addressProblem: front.problem,
    urlOf(app) {
      if (front.address === undefined) return undefined
      const { port, isSecure } = front.address
      const isDefault = port === (isSecure ? 443 : 80)
      return `${isSecure ? 'https' : 'http'}://${app}.localhost${isDefault ? '' : `:${port}`}/`
    },
    status: () => describeApps(host, runner, front),
    async close() {
      await front.gateway?.close(gatewayGraceMs)
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

interface Front {
  readonly gateway: Gateway | undefined
  readonly address: NodeApps['address']
  readonly problem: string | undefined
}

/** A gateway that cannot listen is said and logged; apps run all the same. */
async function openFront({ configuration, clock, log }: Parts, host: AppHost): Promise<Front> {
  const { apps } = configuration
  if (!apps.enabled) return { gateway: undefined, address: undefined, problem: 'apps.enabled is false' }
  const isSecure = apps.certificate !== undefined && apps.key !== undefined
  try {
    const gateway = await createGateway({
      apps: { find: (name) => host.find(name) },
      clock,
      log: (line) => {
        logAccess(log, line)
        if (line.failure !== undefined) noteFailure(host, line)
      },
      ...(apps.publicName === undefined ? {} : { hosts: { publicName: apps.publicName } }),
      ...(apps.certificate === undefined || apps.key === undefined
        ? {}
        : { certificate: { certificate: apps.certificate, key: apps.key } })
    })
    const address = await gateway.listen({ host: apps.host, port: apps.port })
    log.info('apps answer', { ...address, secure: isSecure })
    return { gateway, address: { ...address, isSecure }, problem: undefined }
  } catch (error) {
    log.error('apps are not reachable', { reason: reasonOf(error) })
    return { gateway: undefined, address: undefined, problem: reasonOf(error) }
  }
}

function logLine({ log }: Parts, appLog: AppLog, line: AppLogLine): void {
  appLog.add(line)
  const level = line.level === 'warning' ? 'warn' : line.level
  if (line.source === 'host' && level !== 'debug') log[level]('app', { app: line.app, message: line.message })
}

function logAccess(log: Parts['log'], line: AccessLine): void {
  const { id, remote, method, path, app, status, bytes, durationMs, failure } = line
  const fields = { id, remote, method, path, app, status, bytes, ms: durationMs, ...failure }
  if (status >= 500) log.warn('request', fields)
  else log.debug('request', fields)
}

/** What kept a request from its answer is said in the app's log too; of apps that are not installed nothing is kept. */
function noteFailure(host: AppHost, { app, method, path, status, failure }: AccessLine): void {
  if (app === undefined || failure === undefined || host.find(app) === undefined) return
  host.note(app, `${method} ${path ?? ''} was answered with ${status}: ${failure.message}`)
}

async function describeApps(host: AppHost, runner: ProcessRunner, front: Front): Promise<AppsStatus> {
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
    ...(address === undefined
      ? {}
      : { address: `${address.isSecure ? 'https' : 'http'}://<app>.localhost:${address.port}/` }),
    ...(problem === undefined ? {} : { problem })
  }
}
