/** An installed app as the gateway serves it: assets from the package, everything else by the running instance. */
import { AppRunError, type VerifiedPackage, assetOfPath, matchRoute } from '@blocktree/app-package'
import { type AppInstance, HostFailure } from '@blocktree/apps'
import { AppFailure, type Asset, type AppRequest, type AppResponse, type ServedApp } from '@blocktree/gateway'

export interface ServedAppDeps {
  readonly name: string
  readonly package: VerifiedPackage
  readonly installedMs: number | undefined
  /** undefined while it does not run. */
  readonly instance: () => AppInstance | undefined
}

export function createServedApp({ name, package: found, installedMs, instance }: ServedAppDeps): ServedApp {
  const assets = describeAssets(found, installedMs)
  const { routes } = found.manifest
  return {
    name,
    admit(isPublic) {
      const running = instance()
      if (running === undefined) throw stopped(name)
      try {
        running.expectRequests(isPublic)
      } catch (error) {
        throw asFailure(error)
      }
    },
    asset(path) {
      const route = matchRoute(routes, path)
      const file = route === undefined ? undefined : assetOfPath(route, path)
      return file === undefined ? undefined : assets.get(file)
    },
    async handle(request) {
      const route = matchRoute(routes, request.decodedPath)
      if (route?.target.kind !== 'app') return notFound()
      const running = instance()
      if (running === undefined) throw stopped(name)
      try {
        return await running.answer(describeRequest(request))
      } catch (error) {
        throw asFailure(error)
      }
    }
  }
}

function describeAssets(
  { assets, manifest }: VerifiedPackage,
  modifiedMs: number | undefined
): ReadonlyMap<string, Asset> {
  const described = new Map<string, Asset>()
  for (const { path, size, sha256, mediaType } of manifest.assets) {
    const bytes = assets.get(path)
    if (bytes === undefined) continue
    const entityTag = `"${Buffer.from(sha256.subarray(0, 16)).toString('base64url')}"`
    described.set(path, {
      size,
      mediaType,
      entityTag,
      modifiedMs,
      read: (start, end) => bytes.subarray(start, end)
    })
  }
  return described
}

function stopped(name: string): AppFailure {
  return new AppFailure({
    status: 503,
    code: 'ERR_APP_STOPPED',
    message: `app "${name}" does not run`,
    retryAfterSeconds: 10
  })
}

function notFound(): AppResponse {
  return {
    status: 404,
    headers: [['content-type', 'text/plain; charset=utf-8']],
    body: new TextEncoder().encode('404 the app answers no such path\n')
  }
}

function describeRequest(request: AppRequest): Parameters<AppInstance['answer']>[0] {
  const { method, decodedPath, query, headers, body, remote, isPublic, whenGone } = request
  return { method, path: decodedPath, query, headers, body, client: remote, isPublic, whenGone }
}

const statuses: Readonly<Partial<Record<string, 502 | 503 | 504>>> = {
  ERR_RUN_DEADLINE: 504,
  ERR_RUN_QUEUE_FULL: 503,
  ERR_RUN_BACKING_OFF: 503,
  ERR_RUN_SUSPENDED: 503,
  ERR_RUN_STOPPED: 503
}

function asFailure(error: unknown): unknown {
  if (error instanceof AppRunError) {
    const status = statuses[error.code] ?? 502
    const retry = status === 503 ? { retryAfterSeconds: 5 } : {}
    return new AppFailure({ status, code: error.code, message: error.message, ...retry }, { cause: error })
  }
  if (error instanceof HostFailure) {
    const code = `ERR_APP_${error.failure.toUpperCase().replaceAll('-', '_')}`
    return new AppFailure({ status: 503, code, message: error.message }, { cause: error })
  }
  return error
}
