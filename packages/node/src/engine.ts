/** Installing an engine for the sandboxes of a node: it is found there at the next start. */
import { join } from 'node:path'
import { type InstalledEngine, installEngine } from '@blocktree/sandbox'

export type { InstalledEngine } from '@blocktree/sandbox'

export interface EngineOptions {
  readonly dataDirectory: string
  /** Library, wheel or release archive; fetched from the Python package index when absent. */
  readonly file?: string | undefined
  /** SHA-256 of a build that is not pinned here; the person vouches for it. */
  readonly sha256?: string | undefined
}

/** Name of the folder in the data directory. */
export const enginesFolder = 'engines'

/** @throws SandboxError ERR_SANDBOX_INSTALL when it is not the pinned library */
export async function installNodeEngine(options: EngineOptions): Promise<InstalledEngine> {
  const { dataDirectory, file, sha256 } = options
  return await installEngine({
    directory: join(dataDirectory, enginesFolder),
    download,
    ...(file === undefined ? {} : { file }),
    ...(sha256 === undefined ? {} : { sha256 })
  })
}

async function download(url: string): Promise<Uint8Array> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}; give the file with --file`)
  return new Uint8Array(await answer.arrayBuffer())
}
