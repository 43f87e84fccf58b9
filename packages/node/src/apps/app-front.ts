/**
 * Where apps answer: the gateway as the node joins it, with its certificate, its access log, and what it says of the
 * node to Prometheus. One that cannot listen is said and logged; apps run all the same.
 */
import { type AccessLine, type Gateway, createGateway } from '@blocktree/gateway'
import type { NodeParts } from '../create-node.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import type { SpaceGuard } from '../space-guard.ts'
import type { AppHost } from './app-host.ts'
import { appMetrics } from './app-metrics.ts'
import { followCertificate } from './follow-certificate.ts'

export interface FrontAddress {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** Below it apps answer; `localhost` too, always. */
  readonly parent: string
}

export interface AppFront {
  /** undefined when it does not listen. */
  readonly address: FrontAddress | undefined
  /** Why it does not. */
  readonly problem: string | undefined
  close(): Promise<void>
}

export interface AppFrontDeps extends Pick<NodeParts, 'configuration' | 'clock' | 'log' | 'space'> {
  readonly host: AppHost
}

const graceMs = 2000 // running answers get this long when the node stops

export async function openAppFront(deps: AppFrontDeps): Promise<AppFront> {
  const { apps } = deps.configuration
  if (!apps.enabled) return silent('apps.enabled is false')
  try {
    const gateway = await openGateway(deps)
    const { host, port } = await gateway.listen({ host: apps.host, port: apps.port })
    const isSecure = apps.certificate !== undefined
    // A certificate is for the public name; without one somebody else's proxy is, on a port that is not known here.
    const parent = isSecure ? (apps.publicName ?? 'localhost') : 'localhost'
    deps.log.info('apps answer', { host, port, secure: isSecure })
    const endFollowing = followRenewals(deps, gateway)
    return {
      address: { host, port, isSecure, parent },
      problem: undefined,
      async close() {
        endFollowing()
        await gateway.close(graceMs)
      }
    }
  } catch (error) {
    deps.log.error('apps are not reachable', { reason: reasonOf(error) })
    return silent(reasonOf(error))
  }
}

/** `http://notes.localhost:4780/` */
export function urlOf({ port, isSecure, parent }: FrontAddress, app: string): string {
  const isDefault = port === (isSecure ? 443 : 80)
  return `${isSecure ? 'https' : 'http'}://${app}.${parent}${isDefault ? '' : `:${port}`}/`
}

function silent(problem: string): AppFront {
  return { address: undefined, problem, close: () => Promise.resolve() }
}

async function openGateway({
  configuration: { apps },
  clock,
  log,
  space,
  host
}: AppFrontDeps): Promise<Gateway> {
  const { certificate, key, publicName } = apps
  if ((certificate === undefined) !== (key === undefined)) {
    throw new NodeError(
      'ERR_CONFIGURATION_VALUE',
      'apps.certificate and apps.key belong together; set both, or neither'
    )
  }
  return await createGateway({
    apps: { find: (name) => host.find(name) },
    clock,
    metrics: () => appMetrics(host),
    ailments: () => ailmentsOf(space),
    log: (line) => {
      logAccess(log, line)
      if (line.failure !== undefined) noteFailure(host, line)
    },
    ...(publicName === undefined ? {} : { hosts: { publicName } }),
    ...(certificate === undefined || key === undefined ? {} : { certificate: { certificate, key } })
  })
}

function followRenewals({ configuration, log }: AppFrontDeps, gateway: Gateway): () => void {
  const { certificate, key } = configuration.apps
  if (certificate === undefined || key === undefined) return () => undefined
  return followCertificate({ certificate, key }, () => {
    gateway.reloadCertificate().then(
      () => log.info('apps answer with a renewed certificate', { file: certificate }),
      (error: unknown) => log.error('a renewed certificate is not used', { reason: reasonOf(error) })
    )
  })
}

/** What keeps the node from taking anything more. */
function ailmentsOf(space: SpaceGuard): readonly string[] {
  try {
    space.expectRoom(0)
    return []
  } catch (error) {
    return [reasonOf(error)]
  }
}

function logAccess(log: NodeParts['log'], line: AccessLine): void {
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
