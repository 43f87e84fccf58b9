/** session.*, principal.*, root.*, key.*: handlers over the principal directory, the root key and the key files. */
import type { Handlers } from '@blocktree/rpc'
import type { NodeParts } from '../create-node.ts'
import type { PrincipalMethods, RootStatus } from '../method-table/principal-methods.ts'
import { checkPassphrase } from '../passphrase.ts'
import type { Peer } from '../peer.ts'

export function createPrincipalHandlers(parts: NodeParts): Handlers<PrincipalMethods, Peer> {
  const { principals, root, tree, directory, crypto } = parts
  const rootStatus = (): RootStatus => {
    const { isUnlocked, locksAtMs, failedAttempts } = root.state
    const hasRecovery = tree.authority.tree?.body.recovery !== undefined
    return { isUnlocked, hasRecovery, failedAttempts, ...(locksAtMs === undefined ? {} : { locksAtMs }) }
  }
  return {
    'session.as': async ({ principal }, { peer }) => principals.summarize((await peer.session.actAs(principal)).id),
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
    async 'key.backup'({ file, passphrase }) {
      const { backUpKeys } = await import('../key-backup.ts')
      return backUpKeys({ crypto, folder: directory.keys }, file, checkPassphrase(passphrase, 'the passphrase of the backup'))
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
