/** An app project on this machine: `app.json`, the module it names and its assets; what `app pack` signs. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { type ManifestSource, packApp, parseManifestSource } from '@blocktree/app-package'
import type { Author } from '@blocktree/node/author'
import { CliError } from './cli-error.ts'

export interface AppProject {
  readonly directory: string
  readonly source: ManifestSource
}

/** @throws ERR_LOCAL_FILE when there is no app.json, ERR_PACKAGE_SOURCE when it is malformed */
export function readAppProject(directory: string): AppProject {
  const file = join(directory, 'app.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CliError(
      'ERR_LOCAL_FILE',
      `there is no app project in "${directory}": ${file} cannot be read`,
      {
        cause,
        advice: '"blocktree app new DIR" makes one'
      }
    )
  }
  return { directory, source: parseManifestSource(text) }
}

/** @throws ERR_LOCAL_FILE when the module or an asset cannot be read, and what `packApp` throws */
export function packProject(
  { directory, source }: AppProject,
  { crypto, signer, record }: Author,
  version: number = source.draft.version
): Uint8Array {
  const module = readPart(join(directory, source.module), 'run "blocktree app build" first')
  const assets =
    source.assets === undefined ? new Map<string, Uint8Array>() : readAssets(join(directory, source.assets))
  return packApp(crypto, {
    draft: { ...source.draft, version },
    module,
    assets,
    signer,
    authorRecord: record
  })
}

function readAssets(directory: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = join(directory, name)
    if (!statSync(file).isFile()) continue
    found.set(relative(directory, file).split(sep).join('/'), readPart(file, 'look at its rights'))
  }
  return found
}

function readPart(file: string, advice: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file))
  } catch (cause) {
    throw new CliError('ERR_LOCAL_FILE', `"${file}" cannot be read`, { cause, advice })
  }
}
