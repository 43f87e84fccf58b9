/** What could go wrong on this node, before it does: each finding has a code, a reason and a fix. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatId } from '@blocktree/codec'
import { describeClock, isClockOff } from './cluster/peer-clock.ts'
import type { NodeParts } from './create-node.ts'
import type { DoctorReport, Finding } from './method-table/node-methods.ts'
import { reasonOf, systemCode } from './node-error.ts'
import { hasRecovery } from './succession.ts'

type Check = (parts: NodeParts) => Finding | undefined | Promise<Finding | undefined>

const releaseMs = Date.UTC(2026, 10, 1) // no honest clock is behind the day this was released

const checks: readonly Check[] = [
  checkClock,
  checkPeerClocks,
  checkRefused,
  checkSpace,
  checkDirectoryMode,
  checkKeyModes,
  checkKeyFiles,
  checkRootKey,
  checkRecoveryKey,
  checkUndoneRevocations,
  checkNativeCrypto,
  checkDurability,
  checkStore,
  checkJobs,
  checkConflicts,
  checkWentBack,
  checkSummaries,
  checkStaging,
  checkAppStart,
  checkAppAddress,
  checkApps,
  checkConfinement
]

export async function examine(parts: NodeParts): Promise<DoctorReport> {
  const found = await Promise.all(checks.map(async (check) => check(parts)))
  const order = { error: 0, warning: 1, note: 2 }
  const findings = found.filter((finding) => finding !== undefined)
  const apps = await parts.apps.loaded()
  return {
    findings: findings.sort((left, right) => order[left.severity] - order[right.severity]),
    checks: checks.length,
    ...(apps === undefined ? {} : { apps: { engine: apps.runner.engine, level: apps.runner.level } })
  }
}

function checkClock({ clock, record }: NodeParts): Finding | undefined {
  const now = clock.now()
  if (now >= releaseMs && now >= record.createdMs) return undefined
  return {
    code: 'DOCTOR_CLOCK',
    severity: 'error',
    reason: `the clock says ${new Date(now).toISOString()}, which is before ${now < releaseMs ? 'this version was made' : 'this node was made'}`,
    fix: 'set the clock of the machine, best by NTP (timedatectl set-ntp true): expiry is judged by it'
  }
}

async function checkPeerClocks({ cluster, principals }: NodeParts): Promise<Finding | undefined> {
  const peers = (await cluster.loaded())?.directory.peers() ?? []
  const off = peers.filter(({ clockOffsetMs }) => isClockOff(clockOffsetMs))
  if (off.length === 0) return undefined
  const each = off.map(
    ({ principal, clockOffsetMs }) => `${principals.nameOf(principal)} (${describeClock(clockOffsetMs)})`
  )
  return {
    code: 'DOCTOR_CLOCK_OFFSET',
    severity: 'warning',
    reason: `clocks of other nodes differ from the one here: ${each.join(', ')}`,
    fix: 'set the clock that is wrong, best by NTP (timedatectl set-ntp true): each node judges expiry by its own'
  }
}

async function checkRefused({ cluster, principals }: NodeParts): Promise<Finding | undefined> {
  const refusing = (await cluster.loaded())?.directory.refusing ?? []
  if (refusing.length === 0) return undefined
  return {
    code: 'DOCTOR_NODE_REFUSED',
    severity: 'error',
    reason: `other nodes say that the rights of this one have ended: ${refusing.map((id) => principals.nameOf(id)).join(', ')}`,
    fix: 'ask an owner of the tree; one that was removed comes back as a new node: "blocktree node invite" there, "blocktree node join" here with another --data'
  }
}

async function checkSpace({ directory, configuration }: NodeParts): Promise<Finding | undefined> {
  const disk = await statfs(directory.path)
  const free = disk.bavail * disk.bsize
  if (free >= configuration.space.reserveBytes) return undefined
  return {
    code: 'DOCTOR_SPACE',
    severity: free < configuration.space.reserveBytes / 4 ? 'error' : 'warning',
    reason: `${Math.floor(free / 2 ** 20)} MiB are free on the disk of "${directory.path}"`,
    fix: 'free some space, or run "blocktree gc"; when the disk is full, reads go on and writes are refused'
  }
}

function checkDirectoryMode({ directory }: NodeParts): Finding | undefined {
  const mode = statSync(directory.path).mode & 0o777
  if ((mode & 0o077) === 0) return undefined
  return {
    code: 'DOCTOR_DIRECTORY_MODE',
    severity: 'warning',
    reason: `others may look into "${directory.path}" (mode 0${mode.toString(8)})`,
    fix: `chmod 700 "${directory.path}"`
  }
}

function checkKeyModes({ directory }: NodeParts): Finding | undefined {
  const open = readdirSync(directory.keys).find(
    (name) => (statSync(join(directory.keys, name)).mode & 0o077) !== 0
  )
  if (open === undefined) return undefined
  return {
    code: 'DOCTOR_KEY_MODE',
    severity: 'error',
    reason: `others may use the key file "${join(directory.keys, open)}"`,
    fix: `chmod 600 "${directory.keys}"/*.key, and replace the key if somebody could have read it`
  }
}

/** Every key file as far as it can be judged without a password; one that is not needed yet would be missed at a bad time. */
async function checkKeyFiles({ keys, directory }: NodeParts): Promise<Finding | undefined> {
  const damaged: string[] = []
  let reason = ''
  for (const name of await keys.list()) {
    try {
      await keys.verify(name)
    } catch (error) {
      if (systemCode(error) === 'ERR_KEY_FILE_MODE') continue // said by the check of modes
      damaged.push(`${name}.key`)
      reason ||= reasonOf(error)
    }
  }
  if (damaged.length === 0) return undefined
  return {
    code: 'DOCTOR_KEY_DAMAGED',
    severity: 'error',
    reason: `${damaged.length === 1 ? 'a key file' : `${damaged.length} key files`} cannot be used (${damaged.join(', ')}): ${reason}`,
    fix: `put ${damaged.length === 1 ? 'it' : 'them'} back from a key backup ("blocktree key restore"), or remove from "${directory.keys}" what is needed no longer; look at the disk`
  }
}

async function checkRootKey({ keys, root }: NodeParts): Promise<Finding | undefined> {
  const isSealed = await keys.isSealed('root').catch(() => undefined) // damage is said by the check of key files
  if (isSealed === false) {
    return {
      code: 'DOCTOR_ROOT_OPEN',
      severity: 'error',
      reason: 'the root key lies on the disk without a passphrase',
      fix: 'put the sealed key file back from a key backup'
    }
  }
  if (!root.state.isUnlocked) return undefined
  return {
    code: 'DOCTOR_ROOT_UNLOCKED',
    severity: 'note',
    reason: 'the root key is unlocked now',
    fix: 'blocktree root lock'
  }
}

function checkRecoveryKey({ tree }: NodeParts): Finding | undefined {
  if (hasRecovery(tree)) return undefined
  return {
    code: 'DOCTOR_NO_RECOVERY',
    severity: 'note',
    reason: 'the tree names no recovery key: a lost or stolen root key cannot be replaced',
    fix: 'keep "blocktree key backup FILE" and the root passphrase in two safe places; a tree made with --recovery has one'
  }
}

function checkUndoneRevocations({ sharing, principals }: NodeParts): Finding | undefined {
  const undone = sharing.undoneRevocations()
  if (undone.length === 0) return undefined
  const each = undone.map(
    ({ kind, principal, target }) =>
      `${principals.nameOf(principal)} ${kind === 'cap' ? 'writes' : 'reads'} (${formatId(target)})`
  )
  return {
    code: 'DOCTOR_REVOCATION_UNDONE',
    severity: 'error',
    reason: `rights were taken back with a root key that had been replaced elsewhere already, and count still: ${each.join(', ')}`,
    fix: 'what you took back yourself, take back again with the new root key: blocktree root unlock, then blocktree revoke ID; what you did not, the former key may have been used by somebody else'
  }
}

function checkNativeCrypto({ crypto }: NodeParts): Finding | undefined {
  if (crypto.name === 'native') return undefined
  return {
    code: 'DOCTOR_CRYPTO_PORTABLE',
    severity: 'warning',
    reason: 'the portable cryptographic driver is in use, which is about ten times slower',
    fix: 'set crypto.provider to auto'
  }
}

function checkDurability({ configuration }: NodeParts): Finding | undefined {
  if (configuration.store.durability !== 'none') return undefined
  return {
    code: 'DOCTOR_DURABILITY_NONE',
    severity: 'warning',
    reason: 'writes are acknowledged before they are on the disk: a loss of power loses the last ones',
    fix: 'set store.durability to group'
  }
}

function checkStore({ store }: NodeParts): Finding | undefined {
  const { findings, rebuilt } = store.recovery
  const [first] = findings
  if (first !== undefined) {
    return {
      code: 'DOCTOR_STORE_DAMAGED',
      severity: 'error',
      reason: `${findings.length} places of the store are damaged, the first in ${first.file} at ${first.offset}: ${first.problem}`,
      fix: 'run "blocktree check", look at the disk, and restore what is missing from a backup'
    }
  }
  if (rebuilt === undefined) return undefined
  return {
    code: 'DOCTOR_INDEX_REBUILT',
    severity: 'note',
    reason: `the index was made again at the last start: ${rebuilt}`,
    fix: 'nothing was lost; if it happens again, look at the disk'
  }
}

async function checkJobs({ files }: NodeParts): Promise<Finding | undefined> {
  const jobs = await files.jobs()
  if (jobs.length === 0) return undefined
  return {
    code: 'DOCTOR_JOBS',
    severity: 'warning',
    reason: `${jobs.length} copies, moves or removals were begun and have not ended`,
    fix: 'they go on at the next start of the node; the log says why one cannot'
  }
}

function checkConflicts({ tree }: NodeParts): Finding | undefined {
  const { conflicts } = tree.statistics()
  if (conflicts === 0) return undefined
  return {
    code: 'DOCTOR_CONFLICTS',
    severity: 'warning',
    reason: `${conflicts} files or directories have competing versions`,
    fix: 'blocktree conflicts'
  }
}

function checkWentBack({ tree }: NodeParts): Finding | undefined {
  if (!tree.holdsWrites) return undefined
  return {
    code: 'DOCTOR_WENT_BACK',
    severity: 'error',
    reason:
      'this node holds an older state than it gave to others before (a restored backup or snapshot?), so nothing is written',
    fix: 'connect it to another node of the tree until "blocktree sync status" says in step; without any: blocktree sync resume --yes'
  }
}

async function checkSummaries({ sync }: NodeParts): Promise<Finding | undefined> {
  const trees = (await sync.loaded())?.status ?? []
  const corrected = trees.reduce((sum, { status }) => sum + status.summariesCorrected, 0)
  if (corrected === 0) return undefined
  return {
    code: 'DOCTOR_SUMMARY',
    severity: 'warning',
    reason: `since the start, summaries for comparing with other nodes were wrong in ${corrected} places, and were put right`,
    fix: 'nothing is lost; it is a fault of the program: please report it with the lines of the log around it'
  }
}

function checkStaging({ directory }: NodeParts): Finding | undefined {
  if (!existsSync(directory.staging)) return undefined
  return {
    code: 'DOCTOR_STAGING',
    severity: 'note',
    reason: `"${directory.staging}" is left from the first start`,
    fix: 'it is removed at the next start'
  }
}

async function checkAppStart({ apps }: NodeParts): Promise<Finding | undefined> {
  const failure = await apps.failure()
  if (failure === undefined) return undefined
  const isEngine = systemCode(failure) === 'ERR_SANDBOX_ENGINE'
  return {
    code: 'DOCTOR_APPS_STOPPED',
    severity: 'error',
    reason: `no app can run: ${reasonOf(failure)}`,
    fix: isEngine
      ? 'run "blocktree engine install wasmtime", or set apps.engine to v8, and start the node again'
      : 'the log of the node says more; start the node again'
  }
}

async function checkAppAddress({ apps, configuration }: NodeParts): Promise<Finding | undefined> {
  const status = await (await apps.loaded())?.status()
  if (status?.problem === undefined || !configuration.apps.enabled) return undefined
  return {
    code: 'DOCTOR_APPS_UNREACHABLE',
    severity: 'error',
    reason: `apps do not answer web requests: ${status.problem}`,
    fix: 'choose another port with apps.port (0 takes a free one), or end what uses this one, and start the node again'
  }
}

async function checkApps({ apps }: NodeParts): Promise<Finding | undefined> {
  const status = await (await apps.loaded())?.status()
  const [name] = status?.failing ?? []
  if (status === undefined || name === undefined) return undefined
  return {
    code: 'DOCTOR_APP_FAILING',
    severity: 'warning',
    reason: `these apps should run and do not: ${status.failing.join(', ')}`,
    fix: `"blocktree app logs ${name}" says why; "blocktree app start ${name}" tries again`
  }
}

async function checkConfinement({ apps }: NodeParts): Promise<Finding | undefined> {
  const loaded = await apps.loaded()
  if (loaded === undefined || loaded.runner.level === 'bwrap+seccomp') return undefined
  const { level, levels, engine } = loaded.runner
  return {
    code: 'DOCTOR_SANDBOX',
    severity: level === 'process' ? 'warning' : 'note',
    reason: `apps run on ${engine} at the level "${level}": ${levels.reasons['bwrap+seccomp'] ?? 'a stronger one was not asked for'}`,
    fix: 'install bubblewrap (apt install bubblewrap) and allow user namespaces; apps.sandbox demands a level'
  }
}
