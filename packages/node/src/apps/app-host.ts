/**
 * The installed apps of a node: which there are, which run, and what they may do. Everything about an installation lies
 * in the tree and is read again at every start (doc/spec/23-installed-apps.md); here is only what is needed to run them.
 * Acts on one app run one after another.
 */
import { equalBytes } from '@blocktree/codec'
import {
  type AppGrant,
  type AppRunState,
  type FileRight,
  type GrantedPermission,
  type Permission,
  type VerifiedPackage,
  checkUpgrade,
  decodeAppGrant,
  difference,
  effectiveLimits
} from '@blocktree/app-package'
import {
  type AppInstance,
  type Granted,
  type HostServices,
  type Question,
  limitStorage,
  openKeyValueStore,
  startApp
} from '@blocktree/apps'
import type { Host } from '@blocktree/app-package'
import type { ServedApp } from '@blocktree/gateway'
import { NodeError, reasonOf } from '../node-error.ts'
import type { KnownPrincipal, PrincipalDirectory } from '../principal-directory.ts'
import {
  type AppAccessDeps,
  endAccess,
  grantAccess,
  grantablePath,
  objectPath,
  settleAccess
} from './app-access.ts'
import type { AppLog } from './app-log.ts'
import { type AppPlace, appPlace, appsDirectory, installationKeyName } from './app-place.ts'
import { createFilePort } from './file-port.ts'
import {
  type Installation,
  type InstallationDeps,
  installedNames,
  readInstallation,
  writeGrant,
  writeState
} from './installation.ts'
import { isLeftover, isUpgradeOpen } from './leftover.ts'
import { createServedApp } from './served-app.ts'
import { verifyPackage } from '../verify-package.ts'

export interface AppHostDeps extends InstallationDeps, AppAccessDeps {
  readonly treeId: Uint8Array
  readonly principals: PrincipalDirectory
  readonly services: HostServices
  readonly log: AppLog
  readonly now: () => number
}

/** What the person decided about permissions. */
export interface Consent {
  /** Names of permissions that are not granted; only optional ones may be among them. */
  readonly declined: readonly string[]
  /** Of files permissions: the object in the tree, by the permission's name. */
  readonly objects: Readonly<Record<string, string>>
}

export interface AppStatus {
  readonly installation: Installation
  readonly instance: AppInstance | undefined
  /** Why it does not run though it should. */
  readonly problem: string | undefined
}

export type AppState = AppRunState | 'failed' | 'damaged'

interface Slot {
  readonly name: string
  turn: Promise<unknown>
  /** Of changes to the grant, the app's own among them. */
  grantTurn: Promise<unknown>
  instance: AppInstance | undefined
  served: ServedApp | undefined
  problem: string | undefined
}

const filesRights: readonly FileRight[] = ['read', 'write', 'create', 'list', 'remove', 'lock']

export class AppHost {
  readonly #deps: AppHostDeps
  readonly #slots = new Map<string, Slot>()
  #isClosing = false

  constructor(deps: AppHostDeps) {
    this.#deps = deps
  }

  /** Starts what is enabled; what cannot start is noted and keeps nobody else from it. */
  async startAll(): Promise<void> {
    for (const name of await installedNames(this.#deps)) {
      await this.#inTurn(name, async (slot) => {
        await this.#recover(slot)
        const { state } = readInstallation(this.#deps, name)
        if (state.isEnabled) await this.#start(slot, 'started')
      }).catch((error: unknown) => this.note(name, `it was not started: ${reasonOf(error)}`))
    }
  }

  async names(): Promise<readonly string[]> {
    return await installedNames(this.#deps)
  }

  /** @throws ERR_APP_UNKNOWN, ERR_APP_DAMAGED */
  status(name: string): AppStatus {
    const installation = readInstallation(this.#deps, name)
    const slot = this.#slots.get(name)
    return { installation, instance: slot?.instance, problem: slot?.problem ?? slot?.instance?.lastFailure }
  }

  /** The state of its process; else `stopped`, `failed` when it should run and does not, or `damaged`. */
  stateOf(name: string): AppState {
    try {
      const { installation, instance, problem } = this.status(name)
      return instance?.state ?? (installation.state.isEnabled && problem !== undefined ? 'failed' : 'stopped')
    } catch {
      return 'damaged'
    }
  }

  /** For the gateway: undefined when no app of this name is installed. */
  find(name: string): ServedApp | undefined {
    return this.#slots.get(name)?.served
  }

  /** @throws PackageError, ERR_APP_MODULE: what a package says of itself, once it is proven */
  inspect(bytes: Uint8Array): VerifiedPackage {
    return verifyPackage(this.#deps.crypto, bytes)
  }

  /** @throws ERR_APP_EXISTS, ERR_APP_CONSENT, ERR_APP_FAILED and what `inspect` throws; nothing is left of it then */
  async install(
    bytes: Uint8Array,
    options: { readonly name?: string; readonly consent: Consent }
  ): Promise<AppStatus> {
    const found = this.inspect(bytes)
    const name = options.name ?? found.manifest.name
    return await this.#inTurn(name, async (slot) => {
      const place = appPlace(name)
      if (await isLeftover(this.#deps, place)) await this.#remove(slot, place)
      if (this.#deps.files.exists(this.#deps.owner, place.directory)) {
        throw new NodeError(
          'ERR_APP_EXISTS',
          `an app "${name}" is installed; upgrade it, or install this one with another name`
        )
      }
      expectConsent(found.manifest.permissions, options.consent)
      try {
        await this.#place(place, found, bytes, options.consent)
        await this.#start(slot, 'installed')
      } catch (cause) {
        await this.#remove(slot, place)
        throw cause
      }
      return this.status(name)
    })
  }

  /**
   * Puts a newer version in the place of the installed one: snapshot, migrate, check. When anything fails, version,
   * data and grant from before are in force again: ERR_APP_ROLLED_BACK.
   */
  async upgrade(name: string, bytes: Uint8Array, consent: Consent): Promise<AppStatus> {
    const found = this.inspect(bytes)
    return await this.#inTurn(name, async (slot) => {
      const before = readInstallation(this.#deps, name)
      checkUpgrade({ appId: before.grant.appId, version: before.grant.version }, found)
      this.#expectUpgradeConsent(before, found, consent)
      await this.#stop(slot)
      await this.#takeSnapshot(before)
      try {
        await this.#replace(before, found, bytes, consent)
        await this.#start(slot, 'upgraded', before.grant.version)
        const problem = await slot.instance?.health()
        if (problem !== undefined) throw new NodeError('ERR_APP_FAILED', `its check failed: ${problem}`)
      } catch (cause) {
        await this.#stop(slot)
        await this.#rollBack(before.place)
        if (before.state.isEnabled) await this.#start(slot, 'started')
        throw new NodeError(
          'ERR_APP_ROLLED_BACK',
          `version ${found.manifest.version} of "${name}" failed (${reasonOf(cause)}); version ${before.grant.version} and its data are in force again`,
          { cause }
        )
      }
      await this.#dropSnapshot(before.place, { ...before.state, upgradingFrom: undefined })
      if (!before.state.isEnabled) await this.#stop(slot)
      return this.status(name)
    })
  }

  /** Starts it, now and whenever the node starts. */
  async start(name: string): Promise<AppStatus> {
    return await this.#inTurn(name, async (slot) => {
      const { place, state } = readInstallation(this.#deps, name)
      await writeState(this.#deps, place, { ...state, isEnabled: true })
      if (slot.instance?.state === 'suspended') slot.instance.resume()
      else if (slot.instance === undefined) await this.#start(slot, 'started')
      return this.status(name)
    })
  }

  /** Stops it, also for later starts of the node. */
  async stop(name: string): Promise<AppStatus> {
    return await this.#inTurn(name, async (slot) => {
      const { place, state } = readInstallation(this.#deps, name)
      await this.#stop(slot)
      await writeState(this.#deps, place, { ...state, isEnabled: false })
      return this.status(name)
    })
  }

  async restart(name: string): Promise<AppStatus> {
    await this.stop(name)
    return await this.start(name)
  }

  /** Grants a permission of the manifest that was declined or taken back. @throws ERR_APP_PERMISSION, ERR_APP_CONSENT */
  async grant(name: string, permission: string, path?: string): Promise<AppStatus> {
    return await this.#inTurn(name, async (slot) => {
      const installation = readInstallation(this.#deps, name)
      const asked = installation.package.manifest.permissions.find((one) => one.name === permission)
      if (asked === undefined) throw noPermission(name, permission)
      const objects = path === undefined ? {} : { [permission]: path }
      expectConsent([asked], { declined: [], objects })
      const granted = await this.#grantOne(installation, asked.name, asked.scope, path, false)
      return await this.#changeGrant(slot, granted)
    })
  }

  /** Takes a permission back; holds at once. @throws ERR_APP_PERMISSION */
  async revoke(name: string, permission: string): Promise<AppStatus> {
    return await this.#inTurn(name, async (slot) => {
      const installation = readInstallation(this.#deps, name)
      return await this.#revokeOne(slot, installation, permission)
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
    await this.#inTurn(question.app, async (slot) => {
      const installation = readInstallation(this.#deps, question.app)
      const scope = { kind: 'files', object: question.object, rights: question.rights } as const
      const granted = await this.#grantOne(installation, question.name, scope, path, true)
      await this.#changeGrant(slot, granted)
    })
    questions.settle(number, 'granted')
    return question
  }

  /** Removes app and grants; its data too, unless it is to stay. */
  async uninstall(
    name: string,
    options: { readonly keepsData: boolean }
  ): Promise<{ readonly keptAt: string | undefined }> {
    return await this.#inTurn(name, async (slot) => {
      const place = appPlace(name)
      const installation = this.#readWhole(name)
      await this.#stop(slot)
      if (installation !== undefined) await settleAccess(this.#deps, installation.grant, [])
      const keptAt = options.keepsData ? await this.#keepData(place) : undefined
      await this.#remove(slot, place)
      return { keptAt }
    })
  }

  /** undefined when something of it is there and cannot be read: that must not keep anybody from removing it. */
  #readWhole(name: string): Installation | undefined {
    const { files, owner } = this.#deps
    try {
      return readInstallation(this.#deps, name)
    } catch (error) {
      if (error instanceof NodeError && files.exists(owner, appPlace(name).directory)) return undefined
      throw error
    }
  }

  /** The package as it was installed. */
  package(name: string): Uint8Array {
    const { place } = readInstallation(this.#deps, name)
    return this.#deps.files.read(this.#deps.owner, place.package).bytes
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(
      [...this.#slots.values()].map((slot) => this.#inTurn(slot.name, () => this.#stop(slot)))
    )
  }

  async #inTurn<T>(name: string, act: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#slots.get(name) ?? {
      name,
      turn: Promise.resolve(),
      grantTurn: Promise.resolve(),
      instance: undefined,
      served: undefined,
      problem: undefined
    }
    this.#slots.set(name, slot)
    const done = slot.turn.then(() => act(slot))
    slot.turn = done.catch(() => undefined)
    return await done
  }

  async #place(place: AppPlace, found: VerifiedPackage, bytes: Uint8Array, consent: Consent): Promise<void> {
    const { files, owner, sharing } = this.#deps
    if (!files.exists(owner, appsDirectory)) await files.makeDirectory(owner, appsDirectory)
    await files.makeDirectory(owner, place.directory)
    await files.makeDirectory(owner, place.data)
    await sharing.createShare(owner, place.data)
    await files.makeDirectory(owner, place.files)
    await files.makeDirectory(owner, place.keyValues)
    const principal = await this.#principal(place.name)
    await grantAccess(this.#deps, place.data, filesRights, principal.record)
    await files.create(owner, place.package, bytes)
    await writeState(this.#deps, place, { isEnabled: true, upgradingFrom: undefined })
    const { manifest, appId, releaseId } = found
    const grant: AppGrant = {
      appId,
      installation: principal.id,
      installedAs: place.name,
      version: manifest.version,
      releaseId,
      moduleHash: manifest.module.sha256,
      permissions: [],
      limits: manifest.limits,
      time: this.#deps.now(),
      sequence: 1,
      revoked: false
    }
    const permissions = await this.#grantAll(grant, manifest.permissions, consent)
    await writeGrant(this.#deps, owner, place, { ...grant, permissions })
  }

  async #grantAll(
    grant: AppGrant,
    asked: readonly Permission[],
    consent: Consent
  ): Promise<readonly GrantedPermission[]> {
    const granted: GrantedPermission[] = []
    for (const { name, scope } of asked) {
      if (consent.declined.includes(name)) continue
      granted.push(await this.#grantOne({ grant }, name, scope, consent.objects[name], false))
    }
    return granted
  }

  /** The principal of an installation; made anew when its key is not on this machine, after a restore say. */
  async #principal(name: string): Promise<KnownPrincipal> {
    const { principals } = this.#deps
    const key = installationKeyName(name)
    try {
      const known = principals.find(key)
      await principals.actorOf(key)
      return known
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== 'ERR_PRINCIPAL_UNKNOWN') throw error
      return await principals.create(key)
    }
  }

  async #grantOne(
    { grant }: Pick<Installation, 'grant'>,
    name: string,
    scope: GrantedPermission['scope'],
    path: string | undefined,
    asked: boolean
  ): Promise<GrantedPermission> {
    if (scope.kind !== 'files' || scope.object === 'own') return { name, scope, object: undefined, asked }
    const { files, owner, treeId, tree } = this.#deps
    if (path === undefined)
      throw new NodeError('ERR_APP_CONSENT', `choose a ${scope.object} for the permission "${name}"`)
    const record = tree.authority.principal(grant.installation)
    if (record === undefined)
      throw new NodeError('ERR_PRINCIPAL_UNKNOWN', 'the principal of the installation is not known')
    const entry = files.stat(owner, path)
    if (entry.kind !== (scope.object === 'folder' ? 'directory' : 'file')) {
      throw new NodeError(
        'ERR_APP_CONSENT',
        `"${path}" is a ${entry.kind}; the permission "${name}" is for a ${scope.object}`
      )
    }
    const place = grantablePath(this.#deps, path)
    await grantAccess(this.#deps, place, scope.rights, record)
    const { block } = files.stat(owner, place) // a directory that became a share has a new id
    return { name, scope, object: { tree: treeId, block, path: place }, asked }
  }

  async #changeGrant(slot: Slot, added: GrantedPermission): Promise<AppStatus> {
    return await this.#writePermissions(slot, (permissions) => [
      ...permissions.filter(({ name }) => name !== added.name),
      added
    ])
  }

  async #revokeOne(slot: Slot, installation: Installation, permission: string): Promise<AppStatus> {
    const { place, grant } = installation
    const found = grant.permissions.find(({ name }) => name === permission)
    if (found === undefined) throw noPermission(place.name, permission)
    const rest = grant.permissions.filter((one) => one !== found)
    slot.instance?.setGrants(this.#granted({ ...grant, permissions: rest }, place)) // before anything that may fail
    return await this.#writePermissions(slot, (permissions) =>
      permissions.filter(({ name }) => name !== permission)
    )
  }

  /**
   * One change after another, each of what is granted then: an app that gives something back while the person revokes
   * something else must not bring that back.
   */
  async #writePermissions(
    slot: Slot,
    change: (permissions: readonly GrantedPermission[]) => readonly GrantedPermission[]
  ): Promise<AppStatus> {
    const done = slot.grantTurn.then(async () => {
      const { place, grant } = readInstallation(this.#deps, slot.name)
      const permissions = change(grant.permissions).toSorted((one, other) => (one.name < other.name ? -1 : 1))
      const changed = { ...grant, permissions, sequence: grant.sequence + 1, time: this.#deps.now() }
      const written = await writeGrant(this.#deps, this.#deps.owner, place, changed)
      slot.instance?.setGrants(this.#granted(written, place))
      if (grant.permissions.some((one) => !permissions.includes(one)))
        await settleAccess(this.#deps, grant, permissions)
      return this.status(slot.name)
    })
    slot.grantTurn = done.catch(() => undefined)
    return await done
  }

  #granted({ permissions }: AppGrant, place: AppPlace): readonly Granted[] {
    return permissions.flatMap((permission): Granted[] => {
      const { name, scope, asked: isAsked } = permission
      if (scope.kind !== 'files') return [{ name, scope, isAsked }]
      const path = scope.object === 'own' ? place.files : objectPath(this.#deps, permission)
      return path === undefined ? [] : [{ name, scope, path, isAsked }]
    })
  }

  async #start(slot: Slot, reason: Host.StartReason, migrateFrom?: number): Promise<void> {
    if (this.#isClosing) return
    const installation = await this.#atHome(readInstallation(this.#deps, slot.name))
    const { place, package: found, grant } = installation
    const { files, owner, crypto, principals, services } = this.#deps
    const actor = await principals.actorOf(installationKeyName(slot.name))
    const limits = effectiveLimits(grant.limits)
    const quota = { directory: place.files, bytesMax: limits.storageBytes }
    const port = limitStorage(createFilePort({ files, actor, owner }), quota)
    const modified = files.stat(owner, place.package).metadata.modifiedMs
    slot.served = createServedApp({
      name: slot.name,
      package: found,
      installedMs: modified,
      instance: () => slot.instance
    })
    slot.problem = undefined
    try {
      const keyValues = await openKeyValueStore({
        files: port,
        crypto,
        directory: place.keyValues,
        bytesMax: limits.stateBytes,
        onDamage: (file) => this.note(slot.name, `an entry of its key-value store cannot be read: ${file}`)
      })
      slot.instance = await startApp(services, {
        app: slot.name,
        version: grant.version,
        reason,
        module: found.module,
        limits,
        asked: found.manifest.permissions,
        granted: this.#granted(grant, place),
        files: port,
        keyValues,
        giveBack: (permission) => this.#giveBack(slot, permission),
        ...(migrateFrom === undefined ? {} : { migrateFrom })
      })
    } catch (cause) {
      slot.problem = reasonOf(cause)
      throw new NodeError('ERR_APP_FAILED', `app "${slot.name}" does not start: ${slot.problem}`, { cause })
    }
  }

  /** After a restore on another machine the installation's key is not here: it gets a new principal and its rights. */
  async #atHome(installation: Installation): Promise<Installation> {
    const { place, grant } = installation
    const principal = await this.#principal(place.name)
    if (equalBytes(principal.id, grant.installation)) return installation
    this.note(place.name, 'its key is not on this machine; it gets a new one, with the same grants')
    await grantAccess(this.#deps, place.data, filesRights, principal.record)
    for (const permission of grant.permissions) {
      const path = objectPath(this.#deps, permission)
      if (path === undefined || permission.scope.kind !== 'files') continue
      await grantAccess(this.#deps, path, permission.scope.rights, principal.record)
      await endAccess(this.#deps, path, grant.installation)
    }
    await endAccess(this.#deps, place.data, grant.installation)
    const changed = {
      ...grant,
      installation: principal.id,
      sequence: grant.sequence + 1,
      time: this.#deps.now()
    }
    return { ...installation, grant: await writeGrant(this.#deps, this.#deps.owner, place, changed) }
  }

  /** The app's own wish; it waits for no turn that the app itself may hold. */
  async #giveBack(slot: Slot, permission: string): Promise<void> {
    await this.#revokeOne(slot, readInstallation(this.#deps, slot.name), permission)
  }

  async #stop(slot: Slot): Promise<void> {
    const { instance } = slot
    slot.instance = undefined
    await instance?.stop()
  }

  async #takeSnapshot({ place, state, grant }: Installation): Promise<void> {
    const { files, owner } = this.#deps
    if (files.exists(owner, place.before)) await files.remove(owner, place.before, { recursive: true })
    await files.makeDirectory(owner, place.before)
    for (const part of ['package', 'grant', 'state'] as const) {
      await files.copy(owner, place[part], `${place.before}/${part}`)
    }
    await files.copy(owner, place.files, `${place.before}/files`)
    await files.copy(owner, place.keyValues, `${place.before}/kv`)
    await writeState(this.#deps, place, { ...state, upgradingFrom: grant.version })
  }

  async #replace(
    before: Installation,
    found: VerifiedPackage,
    bytes: Uint8Array,
    consent: Consent
  ): Promise<void> {
    const { manifest, releaseId } = found
    const { files, owner } = this.#deps
    const { place, grant } = before
    const permissions = await this.#permissionsAfter(before, found, consent)
    await settleAccess(this.#deps, grant, permissions)
    await files.create(owner, place.package, bytes, { replace: true })
    await writeGrant(this.#deps, owner, place, {
      ...grant,
      version: manifest.version,
      releaseId,
      moduleHash: manifest.module.sha256,
      permissions,
      limits: manifest.limits,
      sequence: grant.sequence + 1,
      time: this.#deps.now()
    })
  }

  /** Of what is new, and of what is granted and asks for more. @throws ERR_APP_CONSENT */
  #expectUpgradeConsent(
    { grant, package: { manifest } }: Installation,
    found: VerifiedPackage,
    consent: Consent
  ): void {
    const { added, changed } = difference(manifest, found.manifest)
    const granted = new Set(grant.permissions.map(({ name }) => name))
    const wider = changed.flatMap(({ after }) => (granted.has(after.name) ? [after] : []))
    expectConsent([...added, ...wider], {
      ...consent,
      objects: { ...this.#objectPaths(grant), ...consent.objects }
    })
  }

  /** What was granted stays as far as it is asked for; what was declined or taken back stays so; new is what is new. */
  async #permissionsAfter(
    { grant, package: { manifest } }: Installation,
    found: VerifiedPackage,
    consent: Consent
  ): Promise<readonly GrantedPermission[]> {
    const { added, changed } = difference(manifest, found.manifest)
    const asked = new Map(found.manifest.permissions.map(({ name, scope }) => [name, scope]))
    const wider = new Set(changed.map(({ after }) => after.name))
    const kept = grant.permissions.flatMap((one): GrantedPermission[] => {
      if (one.asked) return [one]
      const scope = asked.get(one.name)
      return scope === undefined || wider.has(one.name) ? [] : [{ ...one, scope }]
    })
    const granted = new Set(grant.permissions.map(({ name }) => name))
    const again = changed.flatMap(({ after }) => (granted.has(after.name) ? [after] : []))
    const objects = { ...this.#objectPaths(grant), ...consent.objects }
    const fresh = await this.#grantAll(grant, [...again, ...added], { ...consent, objects })
    return [...kept, ...fresh].toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** Where the objects that were chosen lie now, by permission. */
  #objectPaths({ permissions }: AppGrant): Record<string, string> {
    return Object.fromEntries(
      permissions.flatMap((permission) => {
        const path = objectPath(this.#deps, permission)
        return path === undefined ? [] : [[permission.name, path]]
      })
    )
  }

  /** An upgrade that a crash cut short did not end well: what was before is put back. */
  async #recover(slot: Slot): Promise<void> {
    const place = appPlace(slot.name)
    const { files, owner } = this.#deps
    if (!files.exists(owner, place.before)) return
    if (!isUpgradeOpen(this.#deps, place)) {
      await files.remove(owner, place.before, { recursive: true })
      return
    }
    this.note(slot.name, 'an upgrade was cut short; version and data from before it are put back')
    await this.#rollBack(place)
  }

  async #rollBack(place: AppPlace): Promise<void> {
    const { files, owner } = this.#deps
    for (const [saved, target] of [
      ['files', place.files],
      ['kv', place.keyValues]
    ] as const) {
      if (files.exists(owner, target)) await files.remove(owner, target, { recursive: true })
      await files.copy(owner, `${place.before}/${saved}`, target)
    }
    await this.#putGrantBack(place)
    for (const part of ['package', 'state'] as const) {
      const { bytes } = files.read(owner, `${place.before}/${part}`)
      await files.create(owner, place[part], bytes, { replace: true })
    }
    await files.remove(owner, place.before, { recursive: true })
  }

  /** The grant from before as a new record, since the highest number counts; what was granted since then ends. */
  async #putGrantBack(place: AppPlace): Promise<void> {
    const { crypto, files, owner } = this.#deps
    const read = (path: string): AppGrant => decodeAppGrant(crypto, files.read(owner, path).bytes).grant
    const before = read(`${place.before}/grant`)
    const failed = read(place.grant)
    await settleAccess(this.#deps, failed, before.permissions)
    const sequence = Math.max(before.sequence, failed.sequence) + 1
    await writeGrant(this.#deps, owner, place, { ...before, sequence, time: this.#deps.now() })
  }

  async #dropSnapshot(place: AppPlace, state: Installation['state']): Promise<void> {
    const { files, owner } = this.#deps
    await writeState(this.#deps, place, state)
    await files.remove(owner, place.before, { recursive: true })
  }

  async #keepData({ name, files: data }: AppPlace): Promise<string | undefined> {
    const { files, owner } = this.#deps
    if (!files.exists(owner, data)) return undefined
    let keptAt = `/${name}-data`
    for (let number = 2; files.exists(owner, keptAt); number++) keptAt = `/${name}-data-${number}`
    await files.copy(owner, data, keptAt)
    return keptAt
  }

  async #remove(slot: Slot, place: AppPlace): Promise<void> {
    const { files, owner, principals } = this.#deps
    await this.#stop(slot)
    slot.served = undefined
    if (files.exists(owner, place.data)) {
      await endAccess(this.#deps, place.data, (await this.#principal(place.name)).id)
    }
    if (files.exists(owner, place.directory)) await files.remove(owner, place.directory, { recursive: true })
    await principals.remove(installationKeyName(place.name))
    this.#deps.log.forget(place.name)
  }

  /** A line of the node in the log of an app. */
  note(app: string, message: string): void {
    this.#deps.services.log({ app, level: 'warning', message, source: 'host' })
  }
}

/** @throws ERR_APP_CONSENT */
function expectConsent(asked: readonly Permission[], { declined, objects }: Consent): void {
  for (const { name, scope, optional } of asked) {
    if (declined.includes(name)) {
      if (!optional)
        throw new NodeError('ERR_APP_CONSENT', `the app does not work without the permission "${name}"`)
    } else if (scope.kind === 'files' && scope.object !== 'own' && objects[name] === undefined) {
      throw new NodeError(
        'ERR_APP_CONSENT',
        `choose a ${scope.object} for the permission "${name}", or decline it`
      )
    }
  }
}

function noPermission(app: string, permission: string): NodeError {
  return new NodeError(
    'ERR_APP_PERMISSION',
    `app "${app}" has no permission "${permission}"; "app grants ${app}" shows them`
  )
}

function noQuestion(number: number): NodeError {
  return new NodeError(
    'ERR_APP_QUESTION',
    `no question ${number} waits for an answer; "app questions" shows them`
  )
}
