/** What the scenarios of apps begin with: a node with a folder of letters, and the well-behaved guest as a package. */
import type { NodeMethods } from '@blocktree/node/method-table'
import type { Harness } from '@blocktree/harness'
import { type GuestPackage, packGuest } from '../guest-package.ts'
import type { InstalledApp } from '../installed-app.ts'
import type { Node } from '../scenario.ts'
import { encodeText } from '../text.ts'

export const letters = 'hello from a letter'

const allRights = ['read', 'write', 'create', 'list', 'remove', 'lock']

/** Permissions that the guests ask for. */
export const permissions: readonly object[] = [
  { name: 'data', kind: 'files', object: 'own', rights: allRights, reason: 'Keeps a note' },
  {
    name: 'letters',
    kind: 'files',
    object: 'folder',
    rights: ['read', 'write', 'create', 'list', 'lock'],
    reason: 'Shows your letters',
    optional: true
  },
  { name: 'talk', kind: 'messages', send: ['*'], receive: true, reason: 'Talks to others' },
  { name: 'web', kind: 'http-server', reason: 'Answers' }
]

export function packKeeper(module: Uint8Array, more: Partial<GuestPackage>): Uint8Array {
  return packGuest(module, { name: 'keeper', permissions, ...more })
}

/** A node whose gateway listens on a free port, with `/letters/hello.txt`. */
export async function startHome(harness: Harness<NodeMethods>, words: readonly string[] = []): Promise<Node> {
  const node = await harness.startNode('home', { arguments: ['--apps-port', '0', ...words] })
  await node.call('file.mkdir', { path: '/letters' })
  await node.call('file.create', { path: '/letters/hello.txt', data: encodeText(letters) })
  return node
}

/** Puts another version in its place; rejects as `app.upgrade` does. */
export async function upgradeApp(node: Node, app: InstalledApp, bytes: Uint8Array): Promise<void> {
  await node.client.call('app.upgrade', { name: app.name }, { upload: [bytes] })
}
