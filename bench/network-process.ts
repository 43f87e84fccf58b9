/**
 * The other end of the section `network`, a process of its own: `network-process.ts KIND` answers at loopback until its
 * stdin ends, and prints its address first. The bare kinds send what they are asked for and know no protocol of ours.
 */
import { createServer } from 'node:tls'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Connection, Network } from '@blocktree/network'
import { createLibp2pNetwork } from '@blocktree/network/libp2p'
import { createTlsNetwork } from '@blocktree/network/tls'

export const bareProtocol = '/bench/bulk/1.0.0'
export const chunkBytes: number = 256 * 1024

/** For a bench on loopback; the key is no secret. */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBJzCB2gIBATAFBgMrZXAwPzE9MDsGA1UEAww0MTJEM0tvb1dEcEo3QXM3QldB
d1JNZnUxVlUyV0NxTmp2cTM4N0pFWUtEQmo0a3g2blhUTjAgFw0yMDAxMDEwMDAw
MDBaGA85OTk5MTIzMTIzNTk1OVowPzE9MDsGA1UEAww0MTJEM0tvb1dEcEo3QXM3
QldBd1JNZnUxVlUyV0NxTmp2cTM4N0pFWUtEQmo0a3g2blhUTjAqMAUGAytlcAMh
ADtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdopMAUGAytlcANBALLWJkBn
M2j5fYjX+F9Rhm2I3SC94hLgEXUAuvPXTo+NBIhMDdgz2VrHEZsGOLiJ3v4YmKqN
oUph/baK9TacTQA=
-----END CERTIFICATE-----
`
}

export type NetworkKind = 'tls' | 'libp2p' | 'bare-tls' | 'bare-libp2p'

const seed = new Uint8Array(32).fill(2)

if (import.meta.main) {
  const address = await start(process.argv[2] ?? '')
  process.stdout.write(`${address}\n`)
  process.stdin.resume().on('end', () => process.exit())
}

async function start(kind: string): Promise<string> {
  switch (kind) {
    case 'tls':
      return serve(await createTlsNetwork({ seed, listen: ['/ip4/127.0.0.1/tcp/0/tls'] }))
    case 'libp2p':
      return serve((await createLibp2pNetwork({ seed, listen: ['/ip4/127.0.0.1/tcp/0'] })).network)
    case 'bare-tls':
      return startBareTls()
    case 'bare-libp2p':
      return startBareLibp2p()
    default:
      throw new Error(`no kind "${kind}"`)
  }
}

function serve(network: Network): string {
  network.onConnection((connection: Connection) => {
    connection.serve({
      request: (_method, body) => Promise.resolve(body),
      event: () => {},
      stream: (_method, head) => bulk(readLength(head))
    })
  })
  return network.addresses()[0] ?? ''
}

async function* bulk(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new Uint8Array(chunkBytes).fill(7)
  for (let sent = 0; sent < bytes; sent += chunkBytes) yield await Promise.resolve(chunk)
}

/** Eight bytes that say how many are wanted. */
export function lengthHead(bytes: number): Uint8Array {
  const head = new Uint8Array(8)
  new DataView(head.buffer).setBigUint64(0, BigInt(bytes))
  return head
}

function readLength(head: Uint8Array): number {
  return Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0))
}

function startBareTls(): Promise<string> {
  const chunk = Buffer.alloc(chunkBytes, 7)
  const server = createServer({ ...certificate, minVersion: 'TLSv1.3', noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', (head: Buffer) => {
      let left = readLength(head)
      const send = (): void => {
        while (left > 0) {
          left -= chunkBytes
          if (!socket.write(chunk)) {
            socket.once('drain', send)
            return
          }
        }
      }
      send()
    })
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? String(address.port) : '')
    })
  })
}

async function startBareLibp2p(): Promise<string> {
  const node = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  })
  await node.handle(bareProtocol, (stream) => {
    const chunk = new Uint8Array(chunkBytes).fill(7)
    stream.addEventListener(
      'message',
      ({ data }) => {
        void (async () => {
          let left = readLength(data.subarray())
          while (left > 0) {
            left -= chunkBytes
            if (!stream.send(chunk)) await stream.onDrain()
          }
        })()
      },
      { once: true }
    )
  })
  return node.getMultiaddrs().map(String)[0] ?? ''
}
