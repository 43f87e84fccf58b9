import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TLSSocket, connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, type ServedApp, createGateway } from '../src/index.ts'
import { certificateOne, certificateTwo, keyOne, keyTwo } from './certificates.ts'
import { app } from './gateway-fixture.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-'))
  await writeFile(join(folder, 'one.pem'), certificateOne)
  await writeFile(join(folder, 'one.key'), keyOne)
  await writeFile(join(folder, 'two.key'), keyTwo)
  await writeFile(join(folder, 'empty.pem'), 'nothing')
})
afterAll(() => rm(folder, { recursive: true }))

function withFiles(certificate: string, key: string, served: ServedApp = app()): Promise<Gateway> {
  return createGateway({
    apps: { find: () => served },
    clock: Date,
    log: () => undefined,
    certificate: { certificate: join(folder, certificate), key: join(folder, key) }
  })
}

function ask(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername: 'notes.localhost', ca })
    let text = ''
    socket.on('error', reject)
    socket.on('data', (part) => (text += String(part)))
    socket.on('end', () => resolve(text))
    socket.write('GET /x HTTP/1.1\r\nhost: notes.localhost\r\nconnection: close\r\n\r\n')
  })
}

describe('certificates from files', () => {
  test('serve https, and are replaced while it runs', async () => {
    const gateway = await withFiles('one.pem', 'one.key')
    const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
    expect(await ask(port, certificateOne)).toContain('HTTP/1.1 200')
    await expect(ask(port, certificateTwo)).rejects.toThrow()
    await writeFile(join(folder, 'one.pem'), certificateTwo)
    await expect(gateway.reloadCertificate()).rejects.toMatchObject({ code: 'ERR_GATEWAY_CERTIFICATE' })
    expect(await ask(port, certificateOne)).toContain('HTTP/1.1 200') // the old one stays
    await writeFile(join(folder, 'one.key'), keyTwo)
    await gateway.reloadCertificate()
    expect(await ask(port, certificateTwo)).toContain('HTTP/1.1 200')
    await gateway.close(0)
    await writeFile(join(folder, 'one.pem'), certificateOne)
    await writeFile(join(folder, 'one.key'), keyOne)
  })

  test('a handler is told when the client of a secure connection goes away', async () => {
    const { promise: gone, resolve: leave } = Promise.withResolvers<void>()
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    const handle: ServedApp['handle'] = ({ whenGone }) => {
      whenGone(leave)
      ask()
      return new Promise(() => undefined)
    }
    const gateway = await withFiles('one.pem', 'one.key', app({ handle }))
    const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'notes.localhost',
      rejectUnauthorized: false
    })
    socket.on('error', () => undefined)
    socket.write('GET /x HTTP/1.1\r\nhost: notes.localhost\r\n\r\n')
    await asked
    socket.destroy()
    await gone
    await gateway.close(0)
  })

  test.each([
    ['a key of another certificate', 'one.pem', 'two.key'],
    ['a file that holds no certificate', 'empty.pem', 'one.key'],
    ['a file that is not there', 'absent.pem', 'one.key']
  ])('refuses %s and names the file', async (_name, certificate, key) => {
    await expect(withFiles(certificate, key)).rejects.toMatchObject({
      code: 'ERR_GATEWAY_CERTIFICATE',
      message: expect.stringContaining(folder)
    })
  })
})
