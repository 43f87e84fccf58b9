/** A directory of a test's own, and servers that it starts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockServer, type BlockServerOptions, startBlockServer } from '@blocktree/eris-store'

export interface Scratch extends Disposable {
  readonly directory: string
  path(name: string): string
}

export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'eris-store-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  return { directory, path: (name) => join(directory, name), [Symbol.dispose]: remove }
}

/** A daemon over one store in memory. */
export async function serveMemory(
  listen: string,
  options: Partial<BlockServerOptions> = {}
): Promise<BlockServer> {
  return await startBlockServer({ listen: [listen], stores: ['memory:'], ...options })
}

/** An HTTP server that answers whatever the test wants. */
export async function serveHttp(
  answer: Parameters<typeof createServer>[1]
): Promise<{ url: URL; server: Server }> {
  const server = createServer(answer ?? (() => undefined))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: new URL(`http://127.0.0.1:${port}`), server }
}
