/** An HTTP listener of the daemon, on TCP or a Unix socket, with limits on slow and idle clients. */
import { chmodSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import { prepareSocketPath } from '@blocktree/coap'
import { ErisError } from '@blocktree/eris'
import { ConnectionRoom } from './connection-room.ts'
import type { HttpResource } from './http-resource.ts'
import {
  httpConnectionsMax,
  httpHeaderBytesMax,
  httpHeadersTimeoutMs,
  httpIdleTimeoutMs,
  httpRequestTimeoutMs,
  httpStalledTimeoutMs
} from './limits.ts'
import type { ListenUrl } from './listen-url.ts'

export interface HttpListener {
  readonly url: string
  readonly connections: number
  close(): Promise<void>
}

/** ERR_ERIS_STORE_UNAVAILABLE when the address cannot be listened on. */
export async function listenOnHttp(
  address: ListenUrl,
  resource: HttpResource,
  connectionsMax: number = httpConnectionsMax
): Promise<HttpListener> {
  const server = createServer(
    {
      maxHeaderSize: httpHeaderBytesMax,
      headersTimeout: httpHeadersTimeoutMs,
      requestTimeout: httpRequestTimeoutMs,
      keepAliveTimeout: httpIdleTimeoutMs,
      connectionsCheckingInterval: 1000,
      noDelay: true
    },
    resource
  )
  server.timeout = httpStalledTimeoutMs
  const room = new ConnectionRoom(server, connectionsMax)
  const url = await bind(server, address)
  return {
    url,
    get connections() {
      return room.count
    },
    async close() {
      const stopped = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), 2000)
      await stopped
      clearTimeout(timer)
    }
  }
}

async function bind(server: Server, { url, socketMode }: ListenUrl): Promise<string> {
  const isUnix = url.startsWith('http+unix:')
  if (isUnix) {
    const path = decodeURIComponent(url.slice('http+unix:'.length).replace(/^\/\//, ''))
    await prepareSocketPath(path)
    const before = process.umask(0o177) // closed to others from its first moment on
    try {
      await listen(server, url, { path })
    } finally {
      process.umask(before)
    }
    chmodSync(path, socketMode)
    return url
  }
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  await listen(server, url, { host, port: port === '' ? 80 : Number(port) })
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? `http://${hostname}:${bound.port}` : url
}

async function listen(
  server: Server,
  url: string,
  where: { path: string } | { host: string; port: number }
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new ErisError('ERR_ERIS_STORE_UNAVAILABLE', `cannot listen on ${url}: ${error.message}`, {
          cause: error
        })
      )
    )
    server.listen(where, resolve)
  })
  server.on('error', () => undefined)
}
