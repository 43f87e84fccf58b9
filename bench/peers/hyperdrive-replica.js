/* oxlint-disable typescript/no-unsafe-call -- plain JavaScript outside the workspaces; its packages are not seen by the type checker */
// hyperdrive as a replica: `serve REPOSITORY SOURCE...` puts every file and answers on loopback until its stdin ends, `fetch REPOSITORY PORT KEY` downloads all.
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'

const [, , action, repository, ...rest] = process.argv
const encryptionKey = Buffer.alloc(32, 7)
const store = new Corestore(repository)

function pipe(socket, isInitiator) {
  const stream = store.replicate(isInitiator)
  socket.setNoDelay(true)
  socket.on('error', () => {})
  stream.on('error', () => {})
  socket.pipe(stream).pipe(socket)
}

if (action === 'serve') {
  const drive = new Hyperdrive(store, null, { encryptionKey })
  await drive.ready()
  for (const [index, source] of rest.entries()) {
    for (const name of readdirSync(source, { recursive: true })) {
      if (statSync(join(source, name)).isFile())
        await drive.put(`/${index}/${name}`, readFileSync(join(source, name)))
    }
  }
  const server = createServer((socket) => pipe(socket, false))
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${server.address().port} ${drive.key.toString('hex')}\n`)
  })
  process.stdin.resume().on('end', () => process.exit())
} else {
  const [port, key] = rest
  const drive = new Hyperdrive(store, Buffer.from(key, 'hex'), { encryptionKey })
  await drive.ready()
  process.stdout.write('ready\n')
  pipe(connect(Number(port), '127.0.0.1'), true)
  await drive.update({ wait: true })
  await drive.db.core.download({ start: 0, end: drive.db.core.length }).done()
  const blobs = await drive.getBlobs()
  await blobs.core.update({ wait: true })
  // all of it at once: faster than the download of a directory, which looks at one entry after another first
  await blobs.core.download({ start: 0, end: blobs.core.length }).done()
  let bytes = 0
  for await (const { key: path, value } of drive.list('/')) {
    const { blockOffset, blockLength, byteLength } = value.blob
    if (!(await blobs.core.has(blockOffset, blockOffset + blockLength)))
      throw new Error(`${path} is not here`)
    bytes += byteLength
  }
  await drive.close()
  await store.close()
  process.stdout.write(`${bytes}\n`)
  process.stdin.resume().on('end', () => process.exit())
}
