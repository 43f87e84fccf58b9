/** session.*, principal.*, root.*, key.*: handlers over the principal directory, the root key and the key files. */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { formatId } from '@blocktree/codec'
import type { Handlers } from '@blocktree/rpc'
import type { NodeParts } from '../create-node.ts'
import type { PrincipalMethods, RootStatus } from '../method-table/principal-methods.ts'
import { checkPassphrase } from '../passphrase.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { hasRecovery, prepareSuccession, succeed } from '../succession.ts'

export function createPrincipalHandlers(parts: NodeParts): Handlers<PrincipalMethods, Peer> {
  const { principals, root, tree, directory, crypto } = parts
  const rootStatus = (): RootStatus => {
    const { isUnlocked, locksAtMs, failedAttempts } = root.state
    return {
      isUnlocked,
      hasRecovery: hasRecovery(tree),
      failedAttempts,
      ...(locksAtMs === undefined ? {} : { locksAtMs })
    }
  }
  return {
    'session.as': async ({ principal }, { peer }) =>
      principals.summarize((await peer.session.actAs(principal)).id),
    'session.show': (_, { peer }) => principals.summarize(peer.session.actor.id),
    async 'principal.create'({ name }) {
      const made = await principals.create(name)
      return { ...(await principals.summarize(made.id)), record: made.record.bytes }
    },
    'principal.list': async () => ({ principals: await principals.list() }),
    async 'principal.show'({ principal }) {
      const found = principals.find(principal)
      return { ...(await principals.summarize(found.id)), record: found.record.bytes }
    },
    'principal.import': async ({ record, name }) =>
      principals.summarize((await principals.importRecord(record, name)).id),
    async 'root.unlock'({ passphrase }) {
      await root.unlock(passphrase)
      return rootStatus()
    },
    'root.lock'() {
      root.lock()
      return rootStatus()
    },
    'root.status': rootStatus,
    'root.prepareSuccession': async ({ passphrase }) => {
      const given = passphrase === undefined ? undefined : checkPassphrase(passphrase, 'the new passphrase')
      const { newRoot, passphrase: generated, recovery } = await prepareSuccession(parts, given)
      return { newRoot, recovery, ...(generated === undefined ? {} : { passphrase: generated }) }
    },
    async 'root.succeed'({ recovery, recoveryFile, passphrase, keepCaps, sinceMs }) {
      const text = recovery ?? readRecoveryFile(recoveryFile)
      const report = await succeed(parts, { recovery: text, passphrase, keepCaps, sinceMs })
      parts.log.warn('the root key was replaced', { generation: report.generation })
      return {
        generation: report.generation,
        root: formatId(report.succession.body.newRoot),
        keptCaps: report.keptCaps,
        regranted: report.regranted,
        linksEnded: report.linksEnded,
        zonesRekeyed: report.keys.rekeyed.length,
        skipped: report.keys.skipped.map(({ target, reason }) => ({ target: formatId(target), reason }))
      }
    },
    async 'key.backup'({ file, passphrase }) {
      const { backUpKeys } = await import('../key-backup.ts')
      return backUpKeys(
        { crypto, folder: directory.keys },
        file,
        checkPassphrase(passphrase, 'the passphrase of the backup')
      )
    },
    async 'key.restore'({ file, passphrase }) {
      const { restoreKeys } = await import('../key-backup.ts')
      return restoreKeys({ crypto, folder: directory.keys }, file, passphrase)
    },
    async 'key.passphrase'({ current, next }) {
      await root.changePassphrase(current, checkPassphrase(next, 'the new passphrase'))
      return {}
    }
  }
}

/** @throws ERR_RECOVERY_KEY without any, ERR_PATH_LOCAL */
function readRecoveryFile(file: string | undefined): string {
  if (file === undefined)
    throw new NodeError(
      'ERR_RECOVERY_KEY',
      'the recovery key is needed: "recovery" with its text, or "recoveryFile"'
    )
  if (!isAbsolute(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  try {
    return readFileSync(file, 'utf8').slice(0, 4096)
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `cannot read "${file}": ${reasonOf(cause)}`, { cause })
  }
}
