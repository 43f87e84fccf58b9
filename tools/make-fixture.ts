/**
 * Makes the data directory that stands for its format in the tests: test-harness/fixtures/data-format-<n>/. Run once when
 * a format is released, by the program of that format; what is there is never made again, for it must be what that
 * program wrote. `node --conditions=source tools/make-fixture.ts`, after a build.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'

const format = 1
const bytesMax = 200 * 1024
/** Known to everybody: nothing but test data is under it. */
const passphrase = 'fixture passphrase that is no secret at all'
const target = fileURLToPath(new URL(`../test-harness/fixtures/data-format-${format}`, import.meta.url))

if (existsSync(target))
  throw new Error(`${target} is there: a fixture is made once, by the program of its format`)
await using harness = createHarness<NodeMethods>({ table: nodeMethodTable })
const node = harness.prepareNode('fixture', { environment: { BLOCKTREE_PASSPHRASE: passphrase } })
await node.start()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
await node.call('file.mkdir', { path: '/letters' })
await node.call('file.create', { path: '/letters/first', data: text('first version') })
await node.call('file.create', { path: '/letters/first', data: text('second version'), replace: true })
await node.call('file.mkdir', { path: '/letters/Ünïcödé 名' })
await node.call('file.create', {
  path: '/letters/Ünïcödé 名/large',
  data: new Uint8Array(60_000).map((_, index) => index % 251)
})
await node.call('file.symlink', { path: '/letters/link', target: 'first' })
await node.call('file.create', { path: '/letters/gone', data: text('removed') })
await node.call('file.remove', { path: '/letters/gone' })
await node.call('principal.create', { name: 'bob' })
await node.call('grant.issue', { path: '/letters', to: 'bob' })
await node.call('cap.issue', { path: '/letters', to: 'bob', rights: ['write', 'create'] })
await node.call('checkpoint.create', {})
await node.restart() // rows in tables as well as in the log of the index
await node.call('file.create', { path: '/letters/later', data: text('after a restart') })
await node.stop()
mkdirSync(target, { recursive: true })
const skipped = /(\.sock|\/LOG(\.old)?|reserve)$/
cpSync(node.directory, target, { recursive: true, filter: (name) => !skipped.test(name) })
const bytes = readdirSync(target, { recursive: true, encoding: 'utf8' }).reduce(
  (sum, name) => sum + statSync(join(target, name)).size,
  0
)
console.log(`${target}: ${bytes} bytes`)
if (bytes > bytesMax) {
  rmSync(target, { recursive: true })
  throw new Error(`${bytes} bytes are more than a fixture should have`)
}
