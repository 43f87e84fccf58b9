/**
 * Who is who on this node: local keys with their actors, and the principals whose records are held, under the names a
 * person gave them. Names are local facts of this node (store rows `node/name/<id>`), never part of the tree.
 */
import { equalBytes, formatId, parseId } from '@blocktree/codec'
import {
  createPrincipalSecret,
  CryptoError,
  type CryptoProvider,
  keyNamePattern,
  type KeyStorage
} from '@blocktree/crypto'
import type { Actor, Files } from '@blocktree/files'
import {
  type BlockStore,
  checkPrincipalRecord,
  createPrincipal,
  currentRoot,
  decodeRecord,
  type Id,
  type IndexRow,
  type PrincipalRecord,
  recordType,
  type TreeState,
  verifyRecordSignature
} from '@blocktree/tree'
import type { PrincipalSummary } from './method-table/principal-methods.ts'
import { NodeError } from './node-error.ts'
import { type RootKey, rootKeyName } from './root-key.ts'

export const nodeKeyName = 'node'
const namePrefix: Uint8Array = new TextEncoder().encode('node/name/')
const namePrefixEnd: Uint8Array = new TextEncoder().encode('node/name0') // "0" follows "/"

/** The local row that gives a principal its name. */
export function nameRow(id: Id, name: string): IndexRow {
  const key = new Uint8Array(namePrefix.length + id.length)
  key.set(namePrefix)
  key.set(id, namePrefix.length)
  return { key, value: new TextEncoder().encode(name) }
}

export interface KnownPrincipal {
  readonly id: Id
  readonly name: string
  readonly record: PrincipalRecord
}

export interface PrincipalDirectory {
  readonly node: Actor
  /** The actor of a local key; ERR_PRINCIPAL_UNKNOWN, ERR_ROOT_LOCKED. */
  actorOf(name: string): Promise<Actor>
  /** The actor of a key that was opened before; ERR_ROOT_LOCKED when it is the root's and was locked since. */
  opened(name: string): Actor
  create(name: string): Promise<KnownPrincipal>
  /** Takes the self-signed record of somebody else. ERR_ACCESS_LINE, ERR_PRINCIPAL_NAME. */
  importRecord(bytes: Uint8Array, name?: string): Promise<KnownPrincipal>
  /** By name, or by the text of an id. ERR_PRINCIPAL_UNKNOWN. */
  find(text: string): KnownPrincipal
  /** The id behind a name or an id's text, whether or not its record is held. ERR_PRINCIPAL_UNKNOWN. */
  idOf(text: string): Id
  /** Whether its key is here, open or not; the root key, which other nodes may use too, is nobody's own. */
  holdsKeyOf(id: Id): boolean
  /** Asked for texts that are neither a given name nor an id: names of nodes. */
  knowAlso(idOf: (text: string) => Id | undefined): void
  /** The given name, else the text of the id. */
  nameOf(id: Id): string
  rename(id: Id, name: string): Promise<void>
  /** Forgets a local key and its name; without effect when there is none. What it signed stays. */
  remove(name: string): Promise<void>
  /** Gives it the name that it calls itself, when it has none here and the name is free. */
  introduce(id: Id, name: string): Promise<void>
  /** Gives the name of the root to the root of today; a former one is called `former-root` and a number. */
  nameRoot(): Promise<void>
  /** All given names, by the text of the id. */
  names(): Readonly<Record<string, string>>
  summarize(id: Id): Promise<PrincipalSummary>
  list(): Promise<readonly PrincipalSummary[]>
  close(): void
}

export interface PrincipalDirectoryOptions {
  readonly keys: KeyStorage
  readonly crypto: CryptoProvider
  readonly tree: TreeState
  readonly store: BlockStore
  readonly files: Files
  readonly root: RootKey
}

export async function openPrincipalDirectory(
  options: PrincipalDirectoryOptions
): Promise<PrincipalDirectory> {
  const names = new Map<string, string>() // name by id text
  for await (const [key, value] of options.store.local.range({ from: namePrefix, to: namePrefixEnd })) {
    names.set(formatId(key.subarray(namePrefix.length)), new TextDecoder().decode(value))
  }
  const directory = new Directory(options, names)
  await directory.open()
  return directory
}

class Directory implements PrincipalDirectory {
  readonly #options: PrincipalDirectoryOptions
  readonly #names: Map<string, string>
  readonly #actors = new Map<string, Actor>()
  readonly #keyNames = new Set<string>()
  #alsoKnown: (text: string) => Id | undefined = () => undefined

  constructor(options: PrincipalDirectoryOptions, names: Map<string, string>) {
    this.#options = options
    this.#names = names
    options.root.onLock(() => {
      this.#actors.get(rootKeyName)?.close()
      this.#actors.delete(rootKeyName)
    })
  }

  async open(): Promise<void> {
    for (const name of await this.#options.keys.list()) this.#keyNames.add(name)
    const node = await this.actorOf(nodeKeyName)
    if (!this.#names.has(formatId(node.id))) await this.rename(node.id, nodeKeyName)
    await this.nameRoot()
  }

  async nameRoot(): Promise<void> {
    const root = currentRoot(this.#options.tree.authority)
    if (root === undefined || this.#names.get(formatId(root)) === rootKeyName) return
    for (const [id, name] of this.#names) {
      if (name === rootKeyName) await this.rename(parseId(id), this.#freeName('former-root'))
    }
    await this.rename(root, rootKeyName)
  }

  #freeName(stem: string): string {
    const taken = new Set(this.#names.values())
    let number = 1
    while (taken.has(`${stem}-${number}`)) number++
    return `${stem}-${number}`
  }

  get node(): Actor {
    return this.opened(nodeKeyName)
  }

  opened(name: string): Actor {
    const actor = this.#actors.get(name)
    if (actor !== undefined) return actor
    if (name === rootKeyName) return this.#rootActor() // says that the key is locked
    throw new NodeError('ERR_PRINCIPAL_UNKNOWN', `the key "${name}" is not open`)
  }

  async actorOf(name: string): Promise<Actor> {
    const known = this.#actors.get(name)
    if (known !== undefined) return known
    if (name === rootKeyName) return this.#rootActor()
    const local = this.#localName(name)
    const secret = await this.#options.keys.open(local)
    if (secret === undefined) throw unknown(name)
    const again = this.#actors.get(local) // somebody else may have opened it meanwhile
    if (again !== undefined) {
      secret.close()
      return again
    }
    const principal = createPrincipal(this.#options.crypto, secret)
    secret.close()
    const actor = this.#options.files.actor(principal)
    this.#actors.set(local, actor)
    return actor
  }

  #rootActor(): Actor {
    const actor = this.#options.files.actor(this.#options.root.principal())
    this.#actors.set(rootKeyName, actor)
    return actor
  }

  /** A local key may be named by its name or by its principal's id. */
  #localName(text: string): string {
    if (keyNamePattern.test(text) && !isIdText(text)) return text
    return this.#names.get(text) ?? fail(text)
  }

  async create(name: string): Promise<KnownPrincipal> {
    this.#expectFree(name)
    const { crypto, keys, tree } = this.#options
    const secret = createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
    try {
      await keys.create(name, secret)
      this.#keyNames.add(name)
      const principal = createPrincipal(crypto, secret)
      await tree.commitLocal({ records: [{ record: principal.record }] })
      await this.rename(principal.id, name)
      this.#actors.set(name, this.#options.files.actor(principal))
      return { id: principal.id, name, record: principal.record }
    } catch (error) {
      if (error instanceof CryptoError && error.code === 'ERR_KEY_FILE_EXISTS') throw taken(name)
      throw error
    } finally {
      secret.close()
    }
  }

  async importRecord(bytes: Uint8Array, name?: string): Promise<KnownPrincipal> {
    const record = this.#decode(bytes)
    if (name !== undefined && this.#names.get(formatId(record.signer)) !== name) this.#expectFree(name)
    if (this.#options.tree.authority.principal(record.signer) === undefined) {
      await this.#options.tree.commitLocal({ records: [{ record }] })
    }
    if (name !== undefined) await this.rename(record.signer, name)
    return { id: record.signer, name: this.nameOf(record.signer), record }
  }

  #decode(bytes: Uint8Array): PrincipalRecord {
    try {
      const record = decodeRecord(this.#options.crypto, bytes)
      if (record.type !== recordType.principal)
        throw new NodeError('ERR_ACCESS_LINE', 'the record is not one of a principal')
      checkPrincipalRecord(this.#options.crypto, record)
      verifyRecordSignature(this.#options.crypto, record, record.body.signingPublicKey)
      return record
    } catch (cause) {
      if (cause instanceof NodeError) throw cause
      throw new NodeError('ERR_ACCESS_LINE', 'the principal record is damaged; ask its owner for it again', {
        cause
      })
    }
  }

  find(text: string): KnownPrincipal {
    const id = this.idOf(text)
    const record = this.#options.tree.authority.principal(id)
    if (record === undefined) throw unknown(text)
    return { id, name: this.nameOf(id), record }
  }

  idOf(text: string): Id {
    for (const [id, name] of this.#names) if (name === text) return parseId(id)
    if (isIdText(text)) return parseId(text)
    return this.#alsoKnown(text) ?? fail(text)
  }

  knowAlso(idOf: (text: string) => Id | undefined): void {
    this.#alsoKnown = idOf
  }

  holdsKeyOf(id: Id): boolean {
    const name = this.#names.get(formatId(id))
    return name !== undefined && name !== rootKeyName && this.#keyNames.has(name)
  }

  nameOf(id: Id): string {
    const text = formatId(id)
    return this.#names.get(text) ?? text
  }

  async rename(id: Id, name: string): Promise<void> {
    await this.#options.store.commit({ local: [nameRow(id, name)] })
    this.#names.set(formatId(id), name)
  }

  async remove(name: string): Promise<void> {
    const actor = this.#actors.get(name)
    this.#actors.delete(name)
    actor?.close()
    actor?.principal.close()
    await this.#options.keys.remove(name)
    this.#keyNames.delete(name)
    for (const [id, known] of this.#names) {
      if (known !== name) continue
      this.#names.delete(id)
      await this.#options.store.commit({ local: [{ key: nameRow(parseId(id), name).key, value: undefined }] })
    }
  }

  async introduce(id: Id, name: string): Promise<void> {
    const isUsable = keyNamePattern.test(name) && !isIdText(name) && ![...this.#names.values()].includes(name)
    if (isUsable && !this.#names.has(formatId(id))) await this.rename(id, name)
  }

  names(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#names)
  }

  async summarize(id: Id): Promise<PrincipalSummary> {
    return this.#summary(id, new Set(await this.#options.keys.list()))
  }

  async list(): Promise<readonly PrincipalSummary[]> {
    const local = new Set(await this.#options.keys.list())
    const found: PrincipalSummary[] = []
    for (const record of this.#options.tree.authorityRecords()) {
      if (record.type === recordType.principal) found.push(this.#summary(record.signer, local))
    }
    return found.sort(
      (left, right) => Number(right.isLocal) - Number(left.isLocal) || (left.name < right.name ? -1 : 1)
    )
  }

  #summary(id: Id, local: ReadonlySet<string>): PrincipalSummary {
    const name = this.nameOf(id)
    const rootId = currentRoot(this.#options.tree.authority)
    return {
      id: formatId(id),
      name,
      isLocal: local.has(name),
      isRoot: rootId !== undefined && equalBytes(rootId, id),
      isNode: equalBytes(this.node.id, id)
    }
  }

  #expectFree(name: string): void {
    if (!keyNamePattern.test(name) || isIdText(name)) {
      throw new NodeError(
        'ERR_PRINCIPAL_NAME',
        `"${name}" is not a name for a principal; use 1 to 64 of a-z 0-9 - _`
      )
    }
    if ([...this.#names.values()].includes(name)) throw taken(name)
  }

  close(): void {
    for (const actor of this.#actors.values()) {
      actor.close()
      actor.principal.close()
    }
    this.#actors.clear()
  }
}

function isIdText(text: string): boolean {
  try {
    parseId(text)
    return true
  } catch {
    return false
  }
}

function fail(text: string): never {
  throw unknown(text)
}

function unknown(text: string): NodeError {
  return new NodeError(
    'ERR_PRINCIPAL_UNKNOWN',
    `no principal "${text}" is known here; "principal list" shows those that are`
  )
}

function taken(name: string): NodeError {
  return new NodeError('ERR_PRINCIPAL_NAME', `the name "${name}" is taken; choose another one`)
}
