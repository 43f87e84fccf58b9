/** share.*, grant.*, cap.*, access.*, bundle.*: handlers over sharing. */
import type { Handlers } from '@blocktree/rpc'
import type { NodeParts } from '../create-node.ts'
import type { SharingMethods } from '../method-table/sharing-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'

export function createSharingHandlers(_parts: NodeParts): Handlers<SharingMethods, Peer> {
  const no = (): never => {
    throw new NodeError('ERR_METHOD_UNAVAILABLE', 'sharing is not part of this build')
  }
  return {
    'share.create': no,
    'share.remove': no,
    'grant.issue': no,
    'grant.list': no,
    'grant.revoke': no,
    'cap.issue': no,
    'cap.list': no,
    'cap.revoke': no,
    'access.why': no,
    'access.request': no,
    'access.receive': no,
    'access.requests': no,
    'access.approve': no,
    'access.accept': no,
    'bundle.export': no,
    'bundle.import': no
  }
}
