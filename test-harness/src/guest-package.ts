/** Guests of the scenarios as packages: compiled with AssemblyScript, signed by an author that a name stands for. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AppSigner, packApp, parseManifestSource } from '@blocktree/app-package'
import { createNativeProvider } from '@blocktree/crypto/native'
import { createPrincipal } from '@blocktree/tree'
import { encodeText } from './text.ts'

export interface GuestPackage {
  readonly name: string
  readonly version?: number
  /** As an `app.json` has them. */
  readonly permissions: readonly object[]
  readonly limits?: Readonly<Record<string, number>>
  readonly routes?: readonly object[]
  readonly assets?: ReadonlyMap<string, Uint8Array>
  /** The same name is the same author. */
  readonly author?: string
  /** Another key than the author's. */
  readonly signedBy?: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const library = join(root, 'packages/app-sdk/assemblyscript/blocktree.ts')
const flags = ['-O', '--runtime', 'incremental', '--use', 'abort=', '--exportStart', '_initialize']

const crypto = createNativeProvider()
const modules = new Map<string, Uint8Array>()

/** From AssemblyScript, once a process. Throws with the compiler's output. */
export function compileGuest(source: string): Uint8Array {
  return compileOnce(source, (directory) => {
    writeFileSync(join(directory, 'app.ts'), source)
    writeFileSync(join(directory, 'blocktree.ts'), readFileSync(library))
    return [join(root, 'node_modules/assemblyscript/bin/asc.js'), 'app.ts', ...flags, '--outFile', 'app.wasm']
  })
}

/** From WebAssembly text. */
export function compileText(text: string): Uint8Array {
  return compileOnce(text, (directory) => {
    writeFileSync(join(directory, 'app.wat'), text)
    return [join(root, 'node_modules/wabt/bin/wat2wasm'), 'app.wat', '-o', 'app.wasm']
  })
}

/** @param prepare writes the source and says how it is compiled to `app.wasm` */
function compileOnce(source: string, prepare: (directory: string) => readonly string[]): Uint8Array {
  const known = modules.get(source)
  if (known !== undefined) return known
  const directory = mkdtempSync(join(tmpdir(), 'blocktree-guest-'))
  try {
    const words = prepare(directory)
    const { status, stdout, stderr } = spawnSync(process.execPath, words, {
      cwd: directory,
      encoding: 'utf8'
    })
    if (status !== 0) throw new Error(`the guest does not compile: ${stdout}${stderr}`)
    const module = readFileSync(join(directory, 'app.wasm'))
    modules.set(source, module)
    return module
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function packGuest(module: Uint8Array, guest: GuestPackage): Uint8Array {
  const { name, version = 1, permissions, limits = {}, routes = [{ path: '/' }], author = 'author' } = guest
  const { record } = authorNamed(author)
  const { signer } = authorNamed(guest.signedBy ?? author)
  const { draft } = parseManifestSource(
    JSON.stringify({
      name,
      version,
      title: name,
      description: 'A guest of the scenarios.',
      licence: 'MIT',
      module: 'app.wasm',
      permissions,
      limits,
      routes
    })
  )
  const assets = guest.assets ?? new Map<string, Uint8Array>()
  return packApp(crypto, { draft, module, assets, signer, authorRecord: record })
}

/** An app of `apps/` that is written in AssemblyScript, in any version. */
export function packApps(name: string, version = 1): Uint8Array {
  const directory = join(root, 'apps', name)
  const module = compileOnce(directory, (work) => {
    for (const part of [join('apps', name), 'packages/app-sdk/assemblyscript'])
      cpSync(join(root, part), join(work, part), { recursive: true })
    const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js')
    return [compiler, join('apps', name, 'app.ts'), ...flags, '--outFile', 'app.wasm']
  })
  const source = parseManifestSource(readFileSync(join(directory, 'app.json'), 'utf8'))
  const { record, signer } = authorNamed('author')
  const assets = source.assets === undefined ? new Map() : readAssets(join(directory, source.assets))
  return packApp(crypto, {
    draft: { ...source.draft, version },
    module,
    assets,
    signer,
    authorRecord: record
  })
}

function readAssets(directory: string): ReadonlyMap<string, Uint8Array> {
  const entries = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(entries.map(({ name }) => [name, readFileSync(join(directory, name))]))
}

function authorNamed(name: string): { readonly signer: AppSigner; readonly record: Uint8Array } {
  const seed = (use: string): Uint8Array => crypto.sha256(encodeText(`scenario author ${name}, ${use}`))
  const { id, key, record } = createPrincipal(crypto, {
    signSeed: seed('signing'),
    kemSeed: seed('encapsulation')
  })
  return { signer: { id, key }, record: record.bytes }
}
