/**
 * A new root key in place of a lost or stolen one, in two steps: first the new key is stored, sealed under its
 * passphrase, and what must be written down is shown; then the succession is signed. Killed before the signature
 * nothing has changed and the prepared key waits for another try; killed after it, the next start puts the key in its
 * place. At no point does the tree have a root whose key or passphrase nobody has.
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { equalBytes, formatId, parseId } from '@blocktree/codec'
import {
  CryptoError,
  createPrincipalSecret,
  type CryptoProvider,
  generatePassphrase,
  type KeyStorage,
  passwordBytes,
  wipe
} from '@blocktree/crypto'
import type { Sharing, SuccessionReport } from '@blocktree/files'
import { createPrincipal, currentRoot, type Principal, successionLine, type TreeState } from '@blocktree/tree'
import { type DataDirectory, syncDirectory, writeFileDurably } from './data-directory.ts'
import type { Log } from './log.ts'
import { NodeError } from './node-error.ts'
import type { PrincipalDirectory } from './principal-directory.ts'
import { formatRecoveryKey, parseRecoveryKey } from './recovery-key.ts'
import { type RootKey, rootKeyName } from './root-key.ts'

const nextKeyName = 'root-next'

/** What was prepared; no secret. */
interface Journal {
  readonly newRoot: string
  readonly newRecovery: string
}

export interface PreparedSuccession {
  readonly newRoot: string
  /** undefined when the caller gave one. Shown once and kept nowhere. */
  readonly passphrase: string | undefined
  /** Of the next succession; shown once and kept nowhere. */
  readonly recovery: readonly string[]
}

export interface SuccessionParts {
  readonly directory: DataDirectory
  readonly keys: KeyStorage
  readonly crypto: CryptoProvider
  readonly tree: TreeState
  readonly sharing: Sharing
  readonly principals: PrincipalDirectory
  readonly root: RootKey
}

export interface RootSuccession {
  /** Text of the recovery key to which the tree committed. */
  readonly recovery: string
  /** Of the prepared key. */
  readonly passphrase: string
  readonly keepCaps?: readonly string[] | undefined
  readonly sinceMs?: number | undefined
}

/** Stores a new root key beside the present one; one that was prepared before is forgotten. */
export async function prepareSuccession(
  { directory, keys, crypto }: Pick<SuccessionParts, 'directory' | 'keys' | 'crypto'>,
  given: string | undefined
): Promise<PreparedSuccession> {
  const passphrase = given ?? generatePassphrase(crypto.random)
  const next = createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  const recovery = createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  const password = passwordBytes(passphrase)
  const principals: Principal[] = []
  try {
    principals.push(createPrincipal(crypto, next), createPrincipal(crypto, recovery))
    const [newRoot = '', newRecovery = ''] = principals.map(({ id }) => formatId(id))
    discard(directory)
    await keys.remove(nextKeyName)
    await keys.create(nextKeyName, next, { password })
    writeFileDurably(journalAt(directory), `${JSON.stringify({ newRoot, newRecovery } satisfies Journal)}\n`)
    return {
      newRoot,
      passphrase: given === undefined ? passphrase : undefined,
      recovery: formatRecoveryKey(recovery)
    }
  } finally {
    wipe(password)
    next.close()
    recovery.close()
    for (const principal of principals) principal.close()
  }
}

/**
 * Signs the succession with the recovery key and puts the prepared key in its place.
 * @throws ERR_SUCCESSION_UNPREPARED, ERR_SUCCESSION_NONE, ERR_RECOVERY_KEY, ERR_ROOT_PASSPHRASE
 */
export async function succeed(parts: SuccessionParts, given: RootSuccession): Promise<SuccessionReport> {
  const { crypto, directory, tree, sharing, principals } = parts
  const journal = readJournal(directory)
  if (journal === undefined) throw unprepared('no new root key was prepared')
  const newRoot = await openNext(parts, given.passphrase, journal)
  const secret = parseRecoveryKey(given.recovery)
  const recovery = createPrincipal(crypto, secret)
  secret.close()
  try {
    return await sharing.succeedRoot(principals.node, {
      recovery,
      newRoot,
      newRecovery: parseId(journal.newRecovery),
      ...(given.keepCaps === undefined ? {} : { keepCaps: given.keepCaps.map((cap) => parseId(cap)) }),
      ...(given.sinceMs === undefined ? {} : { sinceMs: given.sinceMs })
    })
  } finally {
    if (isRoot(tree, journal)) {
      parts.root.lock()
      putInPlace(directory)
      await principals.nameRoot()
    }
    recovery.close()
    newRoot.close()
  }
}

/** At each start: what a crash left of a succession. */
export async function completeSuccession({
  directory,
  keys,
  tree,
  log
}: Pick<SuccessionParts, 'directory' | 'keys' | 'tree'> & { readonly log: Log }): Promise<void> {
  const journal = readJournal(directory)
  if (journal === undefined) {
    if (existsSync(keyFile(directory, nextKeyName))) await keys.remove(nextKeyName)
    return
  }
  if (isRoot(tree, journal)) {
    putInPlace(directory)
    log.warn('recovery', {
      action: 'put the new root key in its place after a succession that was cut short'
    })
  } else if (!existsSync(keyFile(directory, nextKeyName))) discard(directory)
}

/** Whether the root of today can be replaced. */
export function hasRecovery(tree: TreeState): boolean {
  const last = successionLine(tree.authority).at(-1)
  return (last === undefined ? tree.authority.tree?.body.recovery : last.body.newRecovery) !== undefined
}

function isRoot(tree: TreeState, journal: Journal): boolean {
  const root = currentRoot(tree.authority)
  return root !== undefined && formatId(root) === journal.newRoot
}

async function openNext(
  { keys, crypto }: SuccessionParts,
  passphrase: string,
  journal: Journal
): Promise<Principal> {
  const password = passwordBytes(passphrase)
  try {
    const secret = await keys.open(nextKeyName, { password })
    if (secret === undefined) throw unprepared('the prepared key is not there')
    const principal = createPrincipal(crypto, secret)
    secret.close()
    if (equalBytes(principal.id, parseId(journal.newRoot))) return principal
    principal.close()
    throw unprepared('the prepared key is another one than was announced')
  } catch (error) {
    if (!(error instanceof CryptoError) || error.code !== 'ERR_KEY_FILE_PASSWORD') throw error
    throw new NodeError(
      'ERR_ROOT_PASSPHRASE',
      'the passphrase does not open the prepared root key; check it and try again',
      { cause: error }
    )
  } finally {
    wipe(password)
  }
}

/** Repeatable: the rename is the last step but one. */
function putInPlace(directory: DataDirectory): void {
  const next = keyFile(directory, nextKeyName)
  if (existsSync(next)) renameSync(next, keyFile(directory, rootKeyName))
  syncDirectory(directory.keys)
  discard(directory)
}

function discard(directory: DataDirectory): void {
  rmSync(journalAt(directory), { force: true })
  syncDirectory(directory.path)
}

function keyFile(directory: DataDirectory, name: string): string {
  return join(directory.keys, `${name}.key`)
}

function journalAt(directory: DataDirectory): string {
  return join(directory.path, 'succession.json')
}

function readJournal(directory: DataDirectory): Journal | undefined {
  const file = journalAt(directory)
  if (!existsSync(file)) return undefined
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const isWhole = typeof value === 'object' && value !== null && 'newRoot' in value && 'newRecovery' in value
  if (!isWhole || typeof value.newRoot !== 'string' || typeof value.newRecovery !== 'string') {
    throw new NodeError(
      'ERR_DATA_FORMAT',
      `"${file}" is not what this program writes; remove it to give the succession up`
    )
  }
  return { newRoot: value.newRoot, newRecovery: value.newRecovery }
}

function unprepared(reason: string): NodeError {
  return new NodeError(
    'ERR_SUCCESSION_UNPREPARED',
    `${reason}; prepare one with root.prepareSuccession ("blocktree root replace" does both)`
  )
}
