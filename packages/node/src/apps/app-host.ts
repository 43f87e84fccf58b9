/**
 * The installed apps of a node: which there are, which run, and what they may do. Everything about an installation lies
 * in the tree and is read again at every start (doc/spec/23-installed-apps.md); here is only what is needed to run them.
 * Acts on one app run one after another.
 */
import type { AppRunState, VerifiedPackage } from '@blocktree/app-package'
import type { AppFacts, AppInstance, Question } from '@blocktree/apps'
import type { ServedApp } from '@blocktree/gateway'
import { NodeError, reasonOf } from '../node-error.ts'
import { verifyPackage } from '../verify-package.ts'
import { otherRelease, releaseOf } from './agreed-release.ts'
import { type Consent, type UpgradeConsent, expectConsent } from './app-consent.ts'
import { type AppDeps, noteApp } from './app-deps.ts'
import { expectNoUpgradeElsewhere, isOursToEnd, upgradingElsewhere } from './app-elsewhere.ts'
import { addPermission, noPermission, takePermission } from './app-grants.ts'
import { expectAppName } from './app-name.ts'
import { type AppPlace, appPlace, appsDirectory } from './app-place.ts'
import { layOut } from './app-placement.ts'
import { beginRemoval, clearAway, finishRemoval, unfinishedRemovals } from './app-removal.ts'
import { type RunReason, endRun, startRun } from './app-run.ts'
import { type AppSeat, agreeToAll, writeSeat } from './app-seat.ts'
import { type AppSlot, AppSlots } from './app-slot.ts'
import { upgradeApp } from './app-upgrade.ts'
import { followInstallation, watchInstallations } from './follow-installations.ts'
import { type Installation, installedNames, readInstallation } from './installation.ts'
import { isLeftover } from './leftover.ts'
import { rollBack } from './upgrade-snapshot.ts'

export interface AppStatus {
  readonly installation: Installation
  readonly instance: AppInstance | undefined
  /** Why it does not run though it should. */
  readonly problem: string | undefined
}

export type AppState = AppRunState | 'failed' | 'damaged'

export class AppHost {
  readonly #deps: AppDeps
  readonly #slots = new AppSlots()
  #isClosing = false
  #following: { close(): void } | undefined

  constructor(deps: AppDeps) {
    this.#deps = deps
  }

  /** Starts what is enabled; what cannot start is noted and keeps nobody else from it. */
  async startAll(): Promise<void> {
    for (const name of await unfinishedRemovals(this.#deps)) {
      await this.#slots
        .inTurn(name, (slot) => finishRemoval(this.#deps, slot))
        .catch((error: unknown) => this.note(name, `what is left of it was not removed: ${reasonOf(error)}`))
    }
    for (const name of await installedNames(this.#deps)) {
      await this.#slots
        .inTurn(name, async (slot) => {
          await this.#recover(slot)
          if (!this.#isThere(name)) return
          const { seat, state, isAgreed } = readInstallation(this.#deps, name)
          if (seat?.isEnabled !== true) return
          if (isAgreed && upgradingElsewhere(this.#deps, state) === undefined)
            await this.#start(slot, { reason: 'started' })
          else await followInstallation(this.#deps, slot)
        })
        .catch((error: unknown) => this.note(name, `it was not started: ${reasonOf(error)}`))
    }
    this.#follow()
  }

  async names(): Promise<readonly string[]> {
    return await installedNames(this.#deps)
  }

  /** @throws ERR_APP_UNKNOWN, ERR_APP_DAMAGED */
  status(name: string): AppStatus {
    const installation = readInstallation(this.#deps, name)
    const slot = this.#slots.find(name)
    return { installation, instance: slot?.instance, problem: slot?.problem ?? slot?.instance?.lastFailure }
  }

  /** The state of its process; else `stopped`, `failed` when it should run and does not, or `damaged`. */
  stateOf(name: string): AppState {
    try {
      const { installation, instance, problem } = this.status(name)
      return (
        instance?.state ??
        (installation.seat?.isEnabled === true && problem !== undefined ? 'failed' : 'stopped')
      )
    } catch {
      return 'damaged'
    }
  }

  /** Of apps that were started since the node was. */
  knownNames(): readonly string[] {
    return this.#slots.names().filter((name) => this.find(name) !== undefined)
  }

  /** As `stateOf`, of what is known in memory: nothing is read, and nothing is found to be damaged. */
  stateInMemory(name: string): AppState {
    const slot = this.#slots.find(name)
    return slot?.instance?.state ?? (slot?.problem === undefined ? 'stopped' : 'failed')
  }

  /** undefined while it does not run. */
  describe(name: string): AppFacts | undefined {
    return this.#slots.find(name)?.instance?.describe()
  }

  /** For the gateway: undefined when no app of this name is installed. */
  find(name: string): ServedApp | undefined {
    return this.#slots.find(name)?.served
  }

  /** @throws PackageError, ERR_APP_MODULE: what a package says of itself, once it is proven */
  async inspect(bytes: Uint8Array): Promise<VerifiedPackage> {
    const { crypto, verify } = this.#deps
    return await (verify === undefined ? verifyPackage(crypto, bytes) : verify(bytes))
  }

  /** @throws ERR_APP_NAME, ERR_APP_EXISTS, ERR_APP_CONSENT, ERR_APP_FAILED and what `inspect` throws; nothing is left of it then */
  async install(
    bytes: Uint8Array,
    options: { readonly name?: string; readonly consent: Consent }
  ): Promise<AppStatus> {
    const found = await this.inspect(bytes)
    const name = options.name ?? found.manifest.name
    expectAppName(name)
    return await this.#slots.inTurn(name, async (slot) => {
      const place = appPlace(name)
      await finishRemoval(this.#deps, slot)
      if (await isLeftover(this.#deps, place)) await clearAway(this.#deps, slot, place)
      if (this.#deps.files.exists(this.#deps.owner, place.directory)) {
        throw new NodeError(
          'ERR_APP_EXISTS',
          `an app "${name}" is installed; upgrade it, or install this one with another name`
        )
      }
      expectConsent(found.manifest.permissions, options.consent)
      try {
        await layOut(this.#deps, place, { found, bytes, consent: options.consent })
        await this.#start(slot, { reason: 'installed' })
      } catch (cause) {
        await clearAway(this.#deps, slot, place)
        throw cause
      }
      this.#follow()
      return this.status(name)
    })
  }

  /** @throws ERR_APP_ROLLED_BACK: version, data and grant from before are in force again; ERR_APP_CONSENT, ERR_PACKAGE_… */
  async upgrade(name: string, bytes: Uint8Array, consent: UpgradeConsent): Promise<AppStatus> {
    const found = await this.inspect(bytes)
    return await this.#slots.inTurn(name, async (slot) => {
      await upgradeApp(this.#deps, slot, { found, bytes, consent })
      return this.status(name)
    })
  }

  /**
   * Starts it, now and whenever the node starts.
   * @param options `isAgreed`: a person agreed that what is there runs on this node
   * @throws ERR_APP_ELSEWHERE, ERR_APP_CONSENT, ERR_APP_RIGHTS, ERR_APP_FAILED
   */
  async start(name: string, options: { readonly isAgreed?: boolean } = {}): Promise<AppStatus> {
    const status = await this.#slots.inTurn(name, async (slot) => {
      const installation = readInstallation(this.#deps, name)
      const { place, seat } = installation
      expectNoUpgradeElsewhere(this.#deps, installation)
      if (!installation.isAgreed && options.isAgreed !== true) throw notAgreed(this.#deps, installation)
      if (seat !== undefined) {
        const consent = installation.isAgreed ? {} : consentTo(this.#deps, installation)
        await writeSeat(this.#deps, place, { ...seat, ...consent, isEnabled: true })
      }
      if (slot.instance?.state === 'suspended') slot.instance.resume()
      else if (slot.instance === undefined) await this.#start(slot, { reason: 'started' })
      return this.status(name)
    })
    this.#follow()
    return status
  }

  /** Stops it on this node, also for later starts. */
  async stop(name: string): Promise<AppStatus> {
    return await this.#slots.inTurn(name, async (slot) => {
      const { place, seat } = readInstallation(this.#deps, name)
      await endRun(slot)
      if (seat !== undefined) await writeSeat(this.#deps, place, { ...seat, isEnabled: false })
      return this.status(name)
    })
  }

  async restart(name: string): Promise<AppStatus> {
    await this.stop(name)
    return await this.start(name)
  }

  /** Grants a permission of the manifest that was declined or taken back. @throws ERR_APP_PERMISSION, ERR_APP_CONSENT */
  async grant(name: string, permission: string, path?: string): Promise<AppStatus> {
    return await this.#slots.inTurn(name, async (slot) => {
      const { manifest } = readInstallation(this.#deps, name).package
      const asked = manifest.permissions.find((one) => one.name === permission)
      if (asked === undefined) throw noPermission(name, permission)
      if (path !== undefined && (asked.scope.kind !== 'files' || asked.scope.object === 'own')) {
        throw new NodeError(
          'ERR_APP_CONSENT',
          `the permission "${permission}" is for no file or folder that is chosen; leave "${path}" out`
        )
      }
      const objects = path === undefined ? {} : { [permission]: path }
      expectConsent([asked], { declined: [], objects })
      await addPermission(this.#deps, slot, { name: asked.name, scope: asked.scope, path, asked: false })
      return this.status(name)
    })
  }

  /** Takes a permission back; holds at once. @throws ERR_APP_PERMISSION */
  async revoke(name: string, permission: string): Promise<AppStatus> {
    return await this.#slots.inTurn(name, async (slot) => {
      await takePermission(this.#deps, slot, permission)
      return this.status(name)
    })
  }

  /** The person's answer to a question: the object that was picked, or none. @throws ERR_APP_QUESTION */
  async answer(number: number, path: string | undefined): Promise<Question> {
    const { questions } = this.#deps.services
    const question = questions.find(number)
    if (question === undefined) throw noQuestion(number)
    if (path === undefined) {
      questions.settle(number, 'declined')
      return question
    }
    const { app, name, object, rights } = question
    await this.#slots.inTurn(app, async (slot) => {
      const scope = { kind: 'files', object, rights } as const
      await addPermission(this.#deps, slot, { name, scope, path, asked: true })
    })
    questions.settle(number, 'granted')
    return question
  }

  /** Removes app and grants; its data too, unless it is to stay. */
  async uninstall(
    name: string,
    options: { readonly keepsData: boolean }
  ): Promise<{ readonly keptAt: string | undefined }> {
    return await this.#slots.inTurn(name, async (slot) => {
      this.#expectThere(name)
      await beginRemoval(this.#deps, slot, options.keepsData)
      return { keptAt: await finishRemoval(this.#deps, slot) }
    })
  }

  /** The package as it was installed. */
  package(name: string): Uint8Array {
    const { place } = readInstallation(this.#deps, name)
    return this.#deps.files.read(this.#deps.owner, place.package).bytes
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#following?.close()
    await Promise.all(this.#slots.names().map((name) => this.#slots.inTurn(name, endRun)))
  }

  /** A line of the node in the log of an app. */
  note(app: string, message: string): void {
    noteApp(this.#deps, app, message)
  }

  async #start(slot: AppSlot, why: RunReason): Promise<void> {
    if (!this.#isClosing) await startRun(this.#deps, slot, why)
  }

  /** What other nodes change of the apps holds here as soon as it has come. */
  #follow(): void {
    const { files, owner } = this.#deps
    if (this.#isClosing || this.#following !== undefined || !files.exists(owner, appsDirectory)) return
    this.#following = watchInstallations(this.#deps, {
      known: () => this.#slots.names(),
      changed: async (name) => {
        if (this.#isClosing || this.#slots.find(name)?.applied === undefined) return
        await this.#slots
          .inTurn(name, (slot) => followInstallation(this.#deps, slot))
          .catch((error: unknown) => this.note(name, `a change from another node: ${reasonOf(error)}`))
      }
    })
  }

  /** An installation that a crash cut short leaves nothing; an upgrade that it cut short did not end well. */
  async #recover(slot: AppSlot): Promise<void> {
    const place = appPlace(slot.name)
    if (await isLeftover(this.#deps, place)) return await clearAway(this.#deps, slot, place)
    await adoptSeat(this.#deps, place.name)
    if (!isRollBackOurs(this.#deps, place)) return
    const isRolledBack = await slot.changingGrants(() => rollBack(this.#deps, place))
    if (isRolledBack)
      this.note(slot.name, 'an upgrade was cut short; version and data from before it are put back')
  }

  #isThere(name: string): boolean {
    return this.#deps.files.exists(this.#deps.owner, appPlace(name).directory)
  }

  /** Something of it is there; that it cannot be read must not keep anybody from removing it. @throws ERR_APP_UNKNOWN */
  #expectThere(name: string): void {
    if (!this.#isThere(name)) readInstallation(this.#deps, name)
  }
}

/** From before apps ran on several nodes: what the node keeps of it becomes a file of its own. */
async function adoptSeat(deps: AppDeps, name: string): Promise<void> {
  try {
    const { place, seat } = readInstallation(deps, name)
    if (seat !== undefined && !deps.files.exists(deps.owner, place.nodes)) await writeSeat(deps, place, seat)
  } catch {
    return // it cannot be read: there is nothing to adopt
  }
}

/** A snapshot without an open upgrade is removed by who made it. */
function isRollBackOurs(deps: AppDeps, place: AppPlace): boolean {
  const { files, owner } = deps
  return files.exists(owner, place.before) && isOursToEnd(deps, place.before)
}

/** To all that is there now. */
function consentTo(
  { crypto }: AppDeps,
  { grant, package: found }: Installation
): Pick<AppSeat, 'agreed' | 'release'> {
  return { agreed: agreeToAll(crypto, grant), release: releaseOf(found) }
}

function notAgreed(deps: AppDeps, { place, seat, package: found }: Installation): NodeError {
  if (seat !== undefined) return otherRelease(place.name, found)
  const from = deps.principals.nameOf(deps.files.stat(deps.owner, place.directory).signer)
  return new NodeError(
    'ERR_APP_ELSEWHERE',
    `app "${place.name}" was installed on ${from} and never ran on this node; look at what it may do ("app grants ${place.name}") and agree to it ("app start ${place.name}")`
  )
}

function noQuestion(number: number): NodeError {
  return new NodeError(
    'ERR_APP_QUESTION',
    `no question ${number} waits for an answer; "app questions" shows them`
  )
}
