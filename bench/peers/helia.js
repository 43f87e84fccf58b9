/* oxlint-disable typescript/no-unsafe-call -- plain JavaScript outside the workspaces; its packages are not seen by the type checker */
// helia's unixfs over a bare directory blockstore, no network and no encryption: `store SOURCE REPOSITORY`, `read REPOSITORY OUTPUT`.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unixfs } from '@helia/unixfs'
import { FsBlockstore } from 'blockstore-fs'

const [, , action, from, to] = process.argv
const repository = action === 'store' ? to : from
const blockstore = new FsBlockstore(join(repository, 'blocks'))
await blockstore.open()
const files = unixfs({ blockstore })
const listing = join(repository, 'names.json')
if (action === 'store') {
  const names = {}
  for (const name of readdirSync(from, { recursive: true })) {
    if (!statSync(join(from, name)).isFile()) continue
    names[name] = (await files.addBytes(readFileSync(join(from, name)))).toString()
  }
  writeFileSync(listing, JSON.stringify(names))
} else {
  const { CID } = await import('multiformats/cid')
  for (const [name, cid] of Object.entries(JSON.parse(readFileSync(listing, 'utf8')))) {
    mkdirSync(dirname(join(to, name)), { recursive: true })
    const parts = []
    for await (const part of files.cat(CID.parse(cid))) parts.push(part)
    writeFileSync(join(to, name), Buffer.concat(parts))
  }
}
await blockstore.close()
