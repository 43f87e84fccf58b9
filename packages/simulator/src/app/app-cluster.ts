/** One app on all nodes of a simulation, over crashes and new starts of them; what it does is written down. */
import type { AppLogLine } from '@blocktree/apps'
import type { AppHost } from '@blocktree/node/app-host'
import { appPlace } from '@blocktree/node/app-host'
import { untilAgreed } from '../invariants.ts'
import type { SimulatedNode } from '../node.ts'
import type { Simulation } from '../simulation.ts'
import type { Violation } from '../summary.ts'
import { openAppHost } from './app-on-node.ts'
import type { ReadyPackage } from './app-package.ts'
import { InstallationKeys } from './installation-keys.ts'
import type { FileOperation } from './watched-files.ts'

export type EventKind = 'install' | 'request' | 'fault' | 'log' | 'refused' | 'trap'

export interface AppEvent {
  /** Of virtual time, from the moment that the app runs everywhere; negative before. */
  readonly seconds: number
  readonly kind: EventKind
  /** Absent of what concerns all. */
  readonly node?: string
  readonly text: string
}

/** A write of the app that was answered. */
export interface AppWrite {
  readonly node: string
  readonly path: string
  readonly version: Uint8Array
}

/** The app on one process of a node. */
export interface AppSeat {
  readonly node: SimulatedNode
  readonly host: AppHost
}

const settleMs = 600_000

export class AppCluster {
  readonly simulation: Simulation
  readonly app: ReadyPackage
  readonly events: AppEvent[] = []
  readonly writes: AppWrite[] = []
  readonly violations: Violation[] = []
  readonly name: string
  readonly #keys = new InstallationKeys()
  readonly #seats = new Map<string, AppSeat>()
  readonly #tell: (event: AppEvent) => void
  #startMs = 0
  #granted: readonly string[] = []

  constructor(simulation: Simulation, app: ReadyPackage, tell: (event: AppEvent) => void) {
    this.simulation = simulation
    this.app = app
    this.name = app.found.manifest.name
    this.#startMs = simulation.time.now()
    this.#tell = tell
  }

  /** Installs it on the first node and, as a person there would, starts it on every other one. */
  async install(): Promise<void> {
    const { simulation, app, name } = this
    const [first] = simulation.running()
    if (first === undefined) throw new Error('no node runs')
    const objects = await this.#makeObjects(first)
    const { files, keyValues } = appPlace(name)
    this.#granted = [files, keyValues, ...Object.values(objects)]
    for (const node of simulation.running()) this.#open(node)
    const host = this.#hostOf(first)
    await this.#await(host.install(app.bytes, { consent: { declined: [], objects } }))
    this.note('install', `installed ${name} ${app.found.manifest.version}`, first.identity.name)
    for (const { node, host: other } of this.#seats.values()) {
      if (node === first) continue
      this.violations.push(...(await untilAgreed(simulation)))
      await this.#await(other.start(name, { isAgreed: true }))
      this.note('install', 'agreed to it and started it', node.identity.name)
    }
    this.violations.push(...(await untilAgreed(simulation)))
  }

  /** From here on time is counted. */
  begin(): void {
    this.#startMs = this.simulation.time.now()
  }

  /** The app on a node; undefined while the node is down or has just begun. */
  seat(node: string): AppSeat | undefined {
    const seat = this.#seats.get(node)
    return seat !== undefined && this.isAlive(seat.node) ? seat : undefined
  }

  isAlive(node: SimulatedNode): boolean {
    return this.simulation.node(node.identity.name) === node
  }

  /** Starts the app in every process that began since the last call. */
  async follow(): Promise<void> {
    for (const node of this.simulation.running()) {
      if (this.#seats.get(node.identity.name)?.node === node) continue
      this.#open(node)
      await this.#await(this.#hostOf(node).startAll())
    }
  }

  note(kind: EventKind, text: string, node?: string): void {
    const seconds = (this.simulation.time.now() - this.#startMs) / 1000
    const event = { seconds, kind, ...(node === undefined ? {} : { node }), text }
    this.events.push(event)
    this.#tell(event)
  }

  violate(rule: string, what: string): void {
    this.violations.push({ rule, what })
  }

  #open(node: SimulatedNode): void {
    const { simulation, app } = this
    const { name } = node.identity
    const ifAlive = (act: () => void): void => {
      if (this.isAlive(node)) act()
    }
    const host = openAppHost({
      node,
      time: simulation.time,
      treeId: simulation.treeId,
      app,
      keys: this.#keys,
      files: {
        began: (operation) => ifAlive(() => this.judge(operation, name)),
        wrote: (path, version) => ifAlive(() => void this.writes.push({ node: name, path, version }))
      },
      log: (line) => ifAlive(() => this.#log(line, name)),
      trapped: (error) => ifAlive(() => this.#trapped(error.code, error.message, name))
    })
    this.#seats.set(name, { node, host })
  }

  /** What reaches the tree in the name of the app lies in what was granted to it. */
  judge({ name, path }: FileOperation, node: string): void {
    if (this.#granted.some((root) => path === root || path.startsWith(`${root}/`))) return
    this.violate('no operation outside the grant', `${node}: ${name} ${path}`)
  }

  #log({ level, message, source }: AppLogLine, node: string): void {
    const isRefusal = source === 'host' && / was (denied|revoked): /.test(message)
    this.note(
      isRefusal ? 'refused' : 'log',
      source === 'app' ? `${level}: ${message}` : `node: ${message}`,
      node
    )
  }

  #trapped(code: string, message: string, node: string): void {
    this.note('trap', `${code}: ${message}`, node)
    this.violate('the app does not trap', `${node}: ${code}: ${message}`)
  }

  /** Folders and files that a person would pick. */
  async #makeObjects({ files, owner }: SimulatedNode): Promise<Record<string, string>> {
    const objects: Record<string, string> = {}
    for (const { name, scope } of this.app.found.manifest.permissions) {
      if (scope.kind !== 'files' || scope.object === 'own') continue
      const path = `/simulated-${name}`
      if (scope.object === 'folder') await this.#await(files.makeDirectory(owner, path))
      else await this.#await(files.create(owner, path, new Uint8Array(0)))
      objects[name] = path
    }
    return objects
  }

  #hostOf(node: SimulatedNode): AppHost {
    const seat = this.#seats.get(node.identity.name)
    if (seat === undefined) throw new Error(`no apps on ${node.identity.name}`)
    return seat.host
  }

  async #await<Result>(promise: Promise<Result>): Promise<Result> {
    return await this.simulation.time.until(promise, settleMs)
  }
}
