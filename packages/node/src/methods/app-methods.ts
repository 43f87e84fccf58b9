/** app.*: handlers over the app host. Only the node's own principal and the root decide about apps. */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  PackageReader,
  type PermissionScope,
  type VerifiedPackage,
  describePackage,
  describePermission,
  difference,
  formatLimit
} from '@blocktree/app-package'
import { FilesError } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { currentRoot } from '@blocktree/tree'
import { type Consent, askedByUpgrade } from '../apps/app-consent.ts'
import type { AppHost, AppStatus } from '../apps/app-host.ts'
import { expectAppName } from '../apps/app-name.ts'
import type { NodeApps } from '../apps/node-apps.ts'
import type { NodeParts } from '../create-node.ts'
import type {
  AppDescription,
  AppDetails,
  AppGrantSummary,
  AppMethods,
  AppSummary
} from '../method-table/app-methods.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import type { Session } from '../session.ts'

type AppHandlers = Handlers<AppMethods, Peer>
type LifeHandlers = Pick<
  AppHandlers,
  'app.start' | 'app.stop' | 'app.restart' | 'app.uninstall' | 'app.export'
>
type GrantHandlers = Pick<
  AppHandlers,
  'app.grants' | 'app.grant' | 'app.revoke' | 'app.questions' | 'app.answer'
>

export function createAppHandlers(parts: NodeParts): AppHandlers {
  return {
    ...packageHandlers(parts),
    ...lifeHandlers(parts),
    ...grantHandlers(parts),
    ...showHandlers(parts)
  }
}

/** Apps belong to the owner of the node: nobody else may so much as list them. @throws ERR_ACCESS_DENIED */
async function open({ apps, principals, tree }: NodeParts, session: Session): Promise<NodeApps> {
  const root = currentRoot(tree.authority)
  const { id } = session.actor
  if (!equalBytes(id, principals.node.id) && (root === undefined || !equalBytes(id, root))) {
    throw new FilesError('ERR_ACCESS_DENIED', 'only the owner of this node decides about its apps')
  }
  return await apps.get()
}

function packageHandlers(parts: NodeParts): Pick<AppHandlers, 'app.inspect' | 'app.install' | 'app.upgrade'> {
  const { space } = parts
  return {
    async 'app.inspect'({ name }, { peer, upload }) {
      const { host } = await open(parts, peer.session)
      const found = await host.inspect(await collect(parts, upload))
      const installedAs = name ?? found.manifest.name
      if (statusOf(host, installedAs) === undefined) expectAppName(installedAs)
      return describe(host, found, installedAs)
    },
    async 'app.install'({ name, ...consent }, { peer, upload }) {
      const apps = await open(parts, peer.session)
      const bytes = await collect(parts, space.guarded(upload))
      const options = { consent: consentOf(consent), ...(name === undefined ? {} : { name }) }
      return summarize(apps, await apps.host.install(bytes, options))
    },
    async 'app.upgrade'({ name, accept, limits, ...consent }, { peer, upload }) {
      const apps = await open(parts, peer.session)
      const bytes = await collect(parts, space.guarded(upload))
      const decided = { ...consentOf(consent), accepted: accept ?? [], limits: limits ?? {} }
      return summarize(apps, await apps.host.upgrade(name, bytes, decided))
    }
  }
}

function lifeHandlers(parts: NodeParts): LifeHandlers {
  const act =
    (one: (host: AppHost, name: string) => Promise<AppStatus>): AppHandlers['app.stop'] =>
    async ({ name }, { peer }) => {
      const apps = await open(parts, peer.session)
      return summarize(apps, await one(apps.host, name))
    }
  return {
    async 'app.start'({ name, isAgreed }, { peer }) {
      const apps = await open(parts, peer.session)
      return summarize(apps, await apps.host.start(name, { isAgreed: isAgreed ?? false }))
    },
    'app.stop': act((host, name) => host.stop(name)),
    'app.restart': act((host, name) => host.restart(name)),
    async 'app.uninstall'({ name, keepData }, { peer }) {
      const { host } = await open(parts, peer.session)
      const { keptAt } = await host.uninstall(name, { keepsData: keepData ?? false })
      return keptAt === undefined ? {} : { keptAt }
    },
    async 'app.export'({ name }, { peer, download }) {
      const { host } = await open(parts, peer.session)
      const { installation } = host.status(name)
      const bytes = host.package(name)
      await download.write(bytes)
      return { version: installation.grant.version, bytes: bytes.byteLength }
    }
  }
}

function grantHandlers(parts: NodeParts): GrantHandlers {
  return {
    async 'app.grants'({ name }, { peer }) {
      const { host } = await open(parts, peer.session)
      return { grants: grantsOf(host.status(name)) }
    },
    async 'app.grant'({ name, permission, path }, { peer }) {
      const { host } = await open(parts, peer.session)
      return { grants: grantsOf(await host.grant(name, permission, path)) }
    },
    async 'app.revoke'({ name, permission }, { peer }) {
      const { host } = await open(parts, peer.session)
      return { grants: grantsOf(await host.revoke(name, permission)) }
    },
    async 'app.questions'(_, { peer }) {
      const { questions } = await open(parts, peer.session)
      return { questions: questions.list() }
    },
    async 'app.answer'({ number, path }, { peer }) {
      const { host } = await open(parts, peer.session)
      const { app } = await host.answer(number, path)
      return { app, outcome: path === undefined ? 'declined' : 'granted' }
    }
  }
}

function showHandlers(
  parts: NodeParts
): Pick<AppHandlers, 'app.list' | 'app.info' | 'app.logs' | 'app.follow'> {
  return {
    async 'app.list'(_, { peer }) {
      const apps = await open(parts, peer.session)
      const names = await apps.host.names()
      return { apps: names.map((name) => summarizeOrSay(apps, name)) }
    },
    async 'app.info'({ name }, { peer }) {
      const apps = await open(parts, peer.session)
      return detail(apps, apps.host.status(name))
    },
    async 'app.logs'({ name, limit }, { peer }) {
      const { host, log } = await open(parts, peer.session)
      host.status(name)
      return { entries: log.recent(name, limit ?? 100) }
    },
    async 'app.follow'({ name }, context) {
      const { log } = await open(parts, context.peer.session)
      const subscription = context.subscribe()
      const end = log.follow((line) => {
        if (name === undefined || line.app === name) subscription.emit(line)
      })
      subscription.signal.addEventListener('abort', end)
      return { subscription: subscription.id }
    }
  }
}

function consentOf({
  decline,
  objects
}: {
  readonly decline?: readonly string[] | undefined
  readonly objects?: Readonly<Record<string, string>> | undefined
}): Consent {
  return { declined: decline ?? [], objects: objects ?? {} }
}

/** Reads it as it comes, so that what is no package is refused at its first bytes that are wrong. */
async function collect({ crypto }: NodeParts, upload: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const reader = new PackageReader(crypto)
  const parts: Uint8Array[] = []
  for await (const part of upload) {
    reader.push(part)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function describe(host: AppHost, found: VerifiedPackage, name: string): AppDescription {
  const {
    title,
    version,
    versionText,
    description,
    licence,
    appId,
    author,
    moduleHash,
    size,
    permissions,
    limits
  } = describePackage(found)
  const objects = new Map(found.manifest.permissions.map((one) => [one.name, objectOf(one.scope)]))
  return {
    ...{ name, title, version, versionText, description, licence, appId, author, moduleHash, size, limits },
    permissions: permissions.map((one) => {
      const object = objects.get(one.name)
      return object === undefined ? one : { ...one, object }
    }),
    upgrade: describeUpgrade(host, found, name)
  }
}

function objectOf(scope: PermissionScope): 'own' | 'folder' | 'file' | undefined {
  return scope.kind === 'files' ? scope.object : undefined
}

function describeUpgrade(host: AppHost, found: VerifiedPackage, name: string): AppDescription['upgrade'] {
  const installed = statusOf(host, name)?.installation
  if (installed === undefined || !equalBytes(installed.grant.appId, found.appId)) return undefined
  const { added, changed, removed, limits } = difference(installed.package.manifest, found.manifest)
  const asked = askedByUpgrade(installed, found.manifest)
  return {
    fromVersion: installed.grant.version,
    added: added.map(({ scope }) => describePermission(scope)),
    changed: changed.map(({ after }) => describePermission(after.scope)),
    removed: removed.map(({ scope }) => describePermission(scope)),
    limits: limits.map(
      (limit) =>
        `${limit.name}: ${formatLimit(limit.name, limit.before)} → ${formatLimit(limit.name, limit.after)}`
    ),
    asksFor: asked.permissions.map((permission) => permission.name),
    raises: Object.fromEntries(asked.limits.map((limit) => [limit.name, limit.after])),
    needsConsent: asked.permissions.length + asked.limits.length > 0
  }
}

function statusOf(host: AppHost, name: string): AppStatus | undefined {
  try {
    return host.status(name)
  } catch (error) {
    if (error instanceof NodeError && error.code === 'ERR_APP_UNKNOWN') return undefined
    throw error
  }
}

function summarize(apps: NodeApps, { installation, problem }: AppStatus): AppSummary {
  const { place, package: found } = installation
  const { title, version, versionText } = found.manifest
  const url = apps.urlOf(place.name)
  return {
    name: place.name,
    title,
    version,
    versionText,
    state: apps.host.stateOf(place.name),
    isHere: installation.isAgreed,
    ...(problem === undefined ? {} : { problem }),
    ...(url === undefined || found.manifest.routes.length === 0 ? {} : { url })
  }
}

function summarizeOrSay(apps: NodeApps, name: string): AppSummary {
  try {
    return summarize(apps, apps.host.status(name))
  } catch (error) {
    return {
      name,
      title: name,
      version: 0,
      versionText: '',
      state: 'damaged',
      isHere: false,
      problem: reasonOf(error)
    }
  }
}

function detail(apps: NodeApps, status: AppStatus): AppDetails {
  const { installation, instance } = status
  const facts = instance?.describe()
  const { appId, author, moduleHash } = describePackage(installation.package)
  return {
    ...summarize(apps, status),
    ...{ appId, author, moduleHash },
    installation: formatId(installation.seat?.principal ?? installation.grant.installation),
    ...(facts === undefined ? {} : { engine: facts.engine, level: facts.level }),
    processes: (facts?.processes ?? []).flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    invocations: facts?.invocations ?? 0,
    crashes: facts?.crashes ?? 0,
    openHandles: facts?.openHandles ?? 0,
    stateBytes: facts?.stateBytes ?? 0
  }
}

/** What the manifest asks for in its order, then what was granted at run time. */
function grantsOf({ installation: { package: found, grant } }: AppStatus): AppGrantSummary[] {
  const granted = new Map(grant.permissions.map((one) => [one.name, one]))
  const asked = found.manifest.permissions.map(({ name, scope, reason, optional }): AppGrantSummary => {
    const path = granted.get(name)?.object?.path
    const isGranted = granted.has(name)
    const sentence = describePermission(granted.get(name)?.scope ?? scope)
    return {
      name,
      sentence,
      reason,
      isGranted,
      ...(path === undefined ? {} : { path }),
      isAsked: false,
      optional
    }
  })
  const known = new Set(asked.map(({ name }) => name))
  const later = grant.permissions.filter(({ name }) => !known.has(name))
  return [
    ...asked,
    ...later.map(({ name, scope, object }): AppGrantSummary => {
      const sentence = describePermission(scope)
      const path = object === undefined ? {} : { path: object.path }
      return { name, sentence, reason: '', isGranted: true, ...path, isAsked: true, optional: true }
    })
  ]
}
