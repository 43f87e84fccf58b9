/* oxlint-disable typescript/no-unsafe-call -- plain JavaScript outside the workspaces; its packages are not seen by the type checker */
// hyperdrive as a peer: `store SOURCE REPOSITORY` puts every file encrypted, `read REPOSITORY OUTPUT` writes them back.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'

const [, , action, from, to] = process.argv
const encryptionKey = Buffer.alloc(32, 7)
const repository = action === 'store' ? to : from
const store = new Corestore(repository)
const drive = new Hyperdrive(store, null, { encryptionKey })
await drive.ready()
if (action === 'store') {
  for (const name of readdirSync(from, { recursive: true })) {
    if (statSync(join(from, name)).isFile()) await drive.put(`/${name}`, readFileSync(join(from, name)))
  }
} else {
  for await (const entry of drive.list('/')) {
    mkdirSync(dirname(join(to, entry.key)), { recursive: true })
    writeFileSync(join(to, entry.key), await drive.get(entry.key))
  }
}
await drive.close()
await store.close()
