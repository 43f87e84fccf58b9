/** Gateways with one app each in this process: in the sandbox, as plain JavaScript, with a file; and a bare server. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AppLimits, appLimits, effectiveLimits } from '@blocktree/app-package'
import {
  type AppInstance,
  type FilePort,
  type Granted,
  type HostServices,
  type KeyValueStore,
  LockTable,
  MessageSwitch,
  QuestionDesk,
  startApp
} from '@blocktree/apps'
import { type AppResponse, type ServedApp, createGateway } from '@blocktree/gateway'
import { createNativeProvider } from '@blocktree/crypto/native'
import type { ProcessRunner } from '@blocktree/sandbox'

export interface Place extends AsyncDisposable {
  readonly port: number
}

export async function serve(app: ServedApp): Promise<Place> {
  const gateway = await createGateway({
    apps: { find: () => app },
    clock: Date,
    log: () => undefined
  })
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return { port, [Symbol.asyncDispose]: () => gateway.close(0) }
}

const helloHeaders = [['content-type', 'text/plain']] as const

/** The same handler as that of the guest. */
export function plainApp(): ServedApp {
  const body = new TextEncoder().encode('hello')
  return {
    name: 'plain',
    asset: () => undefined,
    handle: (): Promise<AppResponse> => Promise.resolve({ status: 200, headers: helloHeaders, body })
  }
}

/** As the node serves an installed app. */
export function sandboxedApp(instance: AppInstance): ServedApp {
  return {
    name: 'sandboxed',
    asset: () => undefined,
    handle: ({ method, decodedPath, query, headers, body, remote, isPublic, whenGone }) =>
      instance.answer({ method, path: decodedPath, query, headers, body, client: remote, isPublic, whenGone })
  }
}

export function assetApp(bytes: Uint8Array): ServedApp {
  const asset = {
    size: bytes.byteLength,
    mediaType: 'text/css; charset=utf-8',
    entityTag: '"a"',
    modifiedMs: Date.now(),
    read: (start: number, end: number) => bytes.subarray(start, end)
  }
  return { name: 'asset', asset: () => asset, handle: () => Promise.reject(new Error('only assets here')) }
}

/** The least that sends the same file with node:http. */
export async function serveBare(bytes: Uint8Array): Promise<Place> {
  const head = ['content-type', 'text/css; charset=utf-8', 'content-length', String(bytes.byteLength)]
  const server: Server = createServer((_request, response) => {
    response.writeHead(200, head)
    response.end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve()))
  }
}

const none = (): Promise<never> => Promise.reject(new Error('the benchmark has none'))

const noFiles: FilePort = {
  stat: none,
  read: none,
  write: none,
  makeDirectory: none,
  list: none,
  remove: none,
  move: none,
  history: none,
  storedBytes: none,
  watch: () => ({ close: () => undefined })
}

const noValues: KeyValueStore = {
  get: () => undefined,
  set: none,
  delete: none,
  list: () => ({ keys: [], next: undefined }),
  update: none,
  bytes: 0,
  close: () => undefined
}

export interface SandboxedOptions {
  readonly files?: FilePort
  /** Beside the right to answer requests. */
  readonly granted?: readonly Granted[]
  readonly limits?: Partial<AppLimits>
}

export async function startSandboxed(
  runner: ProcessRunner,
  module: Uint8Array,
  options: SandboxedOptions = {}
): Promise<AppInstance> {
  const timers: HostServices['timers'] = {
    monotonic: () => performance.now(),
    start(delayMs, call) {
      const timer = setTimeout(call, delayMs)
      return () => clearTimeout(timer)
    }
  }
  const services: HostServices = {
    runner,
    locks: new LockTable({ timers, nextToken: () => 1 }),
    messages: new MessageSwitch(),
    questions: new QuestionDesk({ timers, now: () => Date.now() }),
    http: { resolve: none, request: none },
    sockets: { resolve: none, connect: none, listen: none, bindUdp: none },
    timers,
    clock: Date,
    random: createNativeProvider().random,
    log: () => undefined
  }
  return await startApp(services, {
    app: 'bench',
    version: 1,
    reason: 'started',
    module,
    limits: { ...effectiveLimits({}), idleMs: appLimits.idleMs.max, ...options.limits },
    asked: [],
    granted: [
      {
        name: 'web',
        isAsked: false,
        scope: { kind: 'http-server', public: false, clientAddress: false }
      },
      ...(options.granted ?? [])
    ],
    files: options.files ?? noFiles,
    keyValues: noValues,
    giveBack: () => Promise.resolve()
  })
}
