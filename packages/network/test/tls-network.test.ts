import { randomBytes, X509Certificate } from 'node:crypto'
import { connect as connectPlain } from 'node:net'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { formatPeerId } from '@blocktree/network'
import { testNetwork } from '@blocktree/network/conformance'
import { createTlsNetwork } from '@blocktree/network/tls'
import { parseAddress } from '../src/address.ts'
import { createTlsTransport } from '../src/tls-network.ts'
import { createCertificate } from '../src/tls-certificate.ts'
import { openTransportIdentity } from '../src/transport-identity.ts'
import { createSocketDriver } from './socket-driver.ts'

const listen = ['/ip4/127.0.0.1/tcp/0/tls']

testNetwork('TLS', () =>
  Promise.resolve(
    createSocketDriver({
      open: (seed, limits) => createTlsNetwork({ seed, listen, ...(limits === undefined ? {} : { limits }) }),
      async dialRaw(text) {
        const address = parseAddress(text)
        const transport = createTlsTransport({ seed: randomBytes(32) })
        const { signal } = new AbortController()
        const { link } = await transport.dial(address, address.peerKey ?? new Uint8Array(), signal)
        return { link, close: () => transport.close() }
      }
    })
  )
)

describe('certificate', () => {
  test('is one that OpenSSL reads, signed by the key it carries', () => {
    for (let round = 0; round < 20; round++) {
      const identity = openTransportIdentity(randomBytes(32))
      const certificate = new X509Certificate(createCertificate(identity))
      expect(certificate.verify(certificate.publicKey)).toBe(true)
      expect(certificate.publicKey.asymmetricKeyType).toBe('ed25519')
      expect(certificate.subject).toBe(`CN=${formatPeerId(identity.publicKey)}`)
      expect(certificate.validTo).toBe('Dec 31 23:59:59 9999 GMT')
      expect(certificate.checkPrivateKey(identity.privateKey)).toBe(true)
    }
  })

  test('is the same each time', () => {
    const seed = new Uint8Array(32).fill(7)
    expect(createCertificate(openTransportIdentity(seed))).toBe(
      createCertificate(openTransportIdentity(seed))
    )
  })

  test('is not made of a seed of another length', () => {
    expect(() => openTransportIdentity(new Uint8Array(31))).toThrow(RangeError)
  })
})

describe('TLS network', () => {
  test('refuses who has no certificate, an older TLS, another protocol or none at all', async () => {
    const network = await createTlsNetwork({ seed: randomBytes(32), listen })
    let shown = 0
    network.onConnection(() => shown++)
    const port = Number(/\/tcp\/(\d+)/.exec(network.addresses()[0] ?? '')?.[1])
    const plain = { host: '127.0.0.1', port, rejectUnauthorized: false, servername: '' }
    const own = ownCertificate()
    const attempts = [
      connect({ ...plain, ALPNProtocols: ['blocktree/1'] }),
      connect({ ...plain, ...own, ALPNProtocols: ['blocktree/1'], maxVersion: 'TLSv1.2' }),
      connect({ ...plain, ...own, ALPNProtocols: ['http/1.1'] }),
      connect({ ...plain, ...own }),
      connectPlain(port, '127.0.0.1', function (this: { write(text: string): void }) {
        this.write('GET / HTTP/1.1\r\n\r\n')
      })
    ]
    await Promise.all(
      attempts.map(
        (socket) =>
          new Promise((resolve) => {
            socket.on('error', () => {})
            socket.on('data', () => {})
            socket.once('close', resolve)
          })
      )
    )
    expect(shown).toBe(0)
    await network.close()
  })

  test('has a bound on sockets that prove nothing', async () => {
    const network = await createTlsNetwork({ seed: randomBytes(32), listen, limits: { handshakesMax: 2 } })
    const port = Number(/\/tcp\/(\d+)/.exec(network.addresses()[0] ?? '')?.[1])
    const idle = [1, 2, 3, 4].map(() => connectPlain(port, '127.0.0.1'))
    const closed: unknown[] = []
    for (const socket of idle) socket.on('error', () => {}).once('close', () => closed.push(socket))
    await expect.poll(() => closed.length).toBe(2)
    for (const socket of idle) socket.destroy()
    await expect.poll(() => closed.length).toBe(4)
    const other = await createTlsNetwork({ seed: randomBytes(32) })
    await expect
      .poll(() =>
        other.dial(network.addresses()[0] ?? '').then(
          () => true,
          () => false
        )
      )
      .toBe(true)
    await Promise.all([network.close(), other.close()])
  })

  test('does not listen at what it is not for', async () => {
    const seed = randomBytes(32)
    for (const address of ['/ip4/127.0.0.1/tcp/0', '/dns/example.org/tcp/0/tls', '/memory/x', 'x']) {
      await expect(createTlsNetwork({ seed, listen: [address] })).rejects.toMatchObject({
        code: 'ERR_NETWORK_ADDRESS_INVALID'
      })
    }
  })

  test('tells the addresses it was given beside its own', async () => {
    const seed = randomBytes(32)
    const network = await createTlsNetwork({ seed, listen, announce: ['/dns4/node.example/tcp/4002/tls'] })
    const id = formatPeerId(network.localKey)
    expect(network.addresses()[1]).toBe(`/dns4/node.example/tcp/4002/tls/p2p/${id}`)
    expect(network.addresses()[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/tls\/p2p\/12D3Koo/)
    await network.close()
  })
})

function ownCertificate(): { readonly cert: string; readonly key: string } {
  const identity = openTransportIdentity(randomBytes(32))
  const key = identity.privateKey.export({ format: 'pem', type: 'pkcs8' })
  return { cert: createCertificate(identity), key }
}
