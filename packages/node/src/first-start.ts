/**
 * The first start: a node key, a root key sealed under a passphrase, an empty tree signed by the root. Nothing is asked;
 * the passphrase is made, or comes from a file or variable. Killed anywhere, it leaves nothing or what the next start
 * carries on (./first-start-journal.ts).
 */
import { formatId } from '@blocktree/codec'
import {
  createPrincipalSecret,
  type CryptoProvider,
  generatePassphrase,
  type OpenedPrincipalSecret,
  passwordBytes,
  wipe
} from '@blocktree/crypto'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createTree } from '@blocktree/files'
import { createStore, nodeDrivers } from '@blocktree/store'
import { createPrincipal, createTreeState, type Principal } from '@blocktree/tree'
import type { JoinRequest } from './cluster/join-node.ts'
import type { OpenNodeOptions } from './create-node.ts'
import { type DataDirectory, dataFormat, type NodeRecord } from './data-directory.ts'
import { beginFirstStart, whileStaged, completeFirstStart } from './first-start-journal.ts'
import { checkPassphrase, readPassphraseFile } from './passphrase.ts'
import { nodeKeyName } from './principal-directory.ts'
import { formatRecoveryKey } from './recovery-key.ts'
import type { RestoreRequest } from './restore-node.ts'
import { rootKeyName } from './root-key.ts'
import { version } from './version.ts'

interface FirstStartOptions extends OpenNodeOptions {
  readonly crypto: CryptoProvider
}

interface Secrets {
  readonly node: OpenedPrincipalSecret
  readonly root: OpenedPrincipalSecret
  /** Its key leaves the node as words and is kept nowhere. */
  readonly recovery: OpenedPrincipalSecret | undefined
}

export async function firstStart(options: FirstStartOptions): Promise<NodeRecord> {
  const { crypto, directory, log, configuration } = options
  const passphrase = choosePassphrase(options)
  const staged = beginFirstStart(directory)
  const newSecret = (): OpenedPrincipalSecret =>
    createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  const secrets: Secrets = {
    node: newSecret(),
    root: newSecret(),
    recovery: configuration.root.recovery ? newSecret() : undefined
  }
  try {
    await storeKeys(options, staged, secrets, passphrase.text)
    const treeId = await makeTree(options, staged, secrets)
    showOnce(options, passphrase, secrets)
    const record: NodeRecord = { format: dataFormat, treeId, createdMs: Date.now(), createdBy: version }
    completeFirstStart(directory, record)
    log.info('made a new node', { tree: treeId, directory: directory.path })
    return record
  } finally {
    secrets.node.close()
    secrets.root.close()
    secrets.recovery?.close()
  }
}

/** The same with what a backup holds: the node as it was, its keys included. */
export async function startFromBackup(
  options: FirstStartOptions,
  request: RestoreRequest
): Promise<NodeRecord> {
  const { crypto, directory, log } = options
  const { restoreNodeInto } = await import('./restore-node.ts')
  const restored = await whileStaged(directory, (staged) =>
    restoreNodeInto(crypto, staged, request, {
      signal: new AbortController().signal,
      onBytes: () => undefined
    })
  )
  completeFirstStart(directory, restored.record)
  const { records, sectors, isIdentical, missingSectors } = restored
  log.info('restored a node from its backup', {
    tree: restored.record.treeId,
    records,
    sectors,
    isIdentical,
    missingSectors
  })
  return restored.record
}

/** The same by joining the tree of a node that has invited this one: no root key, nothing to be shown. */
export async function startByJoining(options: FirstStartOptions, request: JoinRequest): Promise<NodeRecord> {
  const { directory, log } = options
  const { joinNodeInto } = await import('./cluster/join-node.ts')
  const record = await whileStaged(directory, (staged) => joinNodeInto(options, staged, request))
  completeFirstStart(directory, record)
  log.info('joined the tree of another node', { tree: record.treeId, directory: directory.path })
  return record
}

interface ChosenPassphrase {
  readonly text: string
  readonly isGenerated: boolean
}

function choosePassphrase({ configuration, environment, crypto }: FirstStartOptions): ChosenPassphrase {
  const file = configuration.root.passphraseFile
  if (file !== undefined) return { text: readPassphraseFile(file), isGenerated: false }
  const variable = environment['BLOCKTREE_PASSPHRASE']
  if (variable !== undefined && variable !== '') {
    return { text: checkPassphrase(variable, 'BLOCKTREE_PASSPHRASE'), isGenerated: false }
  }
  return { text: generatePassphrase(crypto.random), isGenerated: true }
}

async function storeKeys(
  { crypto }: FirstStartOptions,
  staged: DataDirectory,
  secrets: Secrets,
  passphrase: string
): Promise<void> {
  const keys = createKeyFileStorage({ folder: staged.keys, crypto })
  const password = passwordBytes(passphrase)
  try {
    await Promise.all([
      keys.create(nodeKeyName, secrets.node),
      keys.create(rootKeyName, secrets.root, { password })
    ])
  } finally {
    wipe(password)
  }
}

async function makeTree(
  { crypto, configuration }: FirstStartOptions,
  staged: DataDirectory,
  secrets: Secrets
): Promise<string> {
  const principals: Principal[] = []
  const open = (secret: OpenedPrincipalSecret): Principal => {
    const principal = createPrincipal(crypto, secret)
    principals.push(principal)
    return principal
  }
  const store = await createStore(nodeDrivers(staged.store), {
    segmentBytes: configuration.store.segmentBytes
  })
  try {
    const tree = await createTreeState({ store, crypto, clock: { now: Date.now } })
    const recovery = secrets.recovery === undefined ? undefined : open(secrets.recovery).id
    const genesis = {
      root: open(secrets.root),
      node: open(secrets.node),
      ...(recovery === undefined ? {} : { recovery })
    }
    const made = await createTree({ crypto, random: crypto.random, tree }, genesis)
    tree.close()
    return formatId(made.tree.id)
  } finally {
    await store.close()
    for (const principal of principals) principal.close()
  }
}

function showOnce(
  { showSecret }: FirstStartOptions,
  passphrase: ChosenPassphrase,
  { recovery }: Secrets
): void {
  const lines: string[] = []
  if (passphrase.isGenerated) {
    lines.push('The passphrase of your root key. It is shown once and kept nowhere: write it down.', '')
    lines.push(...inRows(passphrase.text), '')
    lines.push('Daily work does not need it; it is asked for when only the owner may act.')
  }
  if (recovery !== undefined) {
    if (lines.length > 0) lines.push('')
    lines.push(
      'The recovery key, which can replace a lost or stolen root key. Keep it away from this machine.',
      ''
    )
    lines.push(...formatRecoveryKey(recovery))
  } else if (passphrase.isGenerated) {
    lines.push('There is no recovery key: a lost root key cannot be replaced (see --recovery).')
  }
  if (lines.length > 0) showSecret(lines)
}

const wordsInRow = 6

function inRows(text: string): readonly string[] {
  const words = text.split(' ')
  const rows: string[] = []
  for (let index = 0; index < words.length; index += wordsInRow)
    rows.push(`    ${words.slice(index, index + wordsInRow).join(' ')}`)
  return rows
}
