/**
 * Builds the apps of `apps/`: runs "build" of each app.json and packs module and assets into `apps/<name>/build/<name>.btapp`.
 * The same sources and compilers give the same bytes. Signed with the key of the examples, which follows from a text that
 * stands here: whoever wants to can sign with it, so it says that nothing was damaged, not who made it.
 *
 *   npm run build:apps            all; those whose compiler is missing are left out, and named
 *   npm run build:apps -- NAME…   these; a missing compiler is a failure
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ManifestSource, packApp, parseManifestSource } from '@blocktree/app-package'
import { createNativeProvider } from '@blocktree/crypto/native'
import { createPrincipal } from '@blocktree/tree'

const root = fileURLToPath(new URL('..', import.meta.url))
const appsDirectory = join(root, 'apps')

/** Programs that a build command needs, by its first word, and how to get them. */
const compilers: Readonly<Record<string, { readonly programs: readonly string[]; readonly from: string }>> = {
  asc: { programs: ['asc'], from: 'npm ci' },
  wat2wasm: { programs: ['wat2wasm'], from: 'npm ci' },
  clang: { programs: ['clang', 'wasm-ld'], from: 'apt-get install clang lld' }
}

/** Compilers of the project come first; scripts among them run on the Node.js that runs this. */
const searched = [join(root, 'node_modules/.bin'), dirname(process.execPath), process.env['PATH'] ?? '']
const environment = { ...process.env, PATH: searched.join(delimiter) }

export function appNames(): readonly string[] {
  return readdirSync(appsDirectory).filter((name) => existsSync(join(appsDirectory, name, 'app.json')))
}

/** What is missing to build the app, and how to get it; undefined when nothing. */
export function missingCompiler(name: string): string | undefined {
  const [program = ''] = commandOf(readSource(name))
  const needed = compilers[program] ?? { programs: [program], from: 'see its README' }
  const absent = needed.programs.filter((one) => spawnSync(one, ['--version'], { env: environment }).error)
  return absent.length === 0 ? undefined : `${absent.join(' and ')} (${needed.from})`
}

/** Builds and packs. @returns the path of the package. @throws Error with the compiler's output */
export function buildApp(name: string): string {
  const directory = join(appsDirectory, name)
  const source = readSource(name)
  const modulePath = join(directory, source.module)
  mkdirSync(dirname(modulePath), { recursive: true })
  compile(name, source)
  const { signer, record } = exampleAuthor()
  const bytes = packApp(crypto, {
    draft: source.draft,
    module: readFileSync(modulePath),
    assets: source.assets === undefined ? new Map() : readAssets(join(directory, source.assets)),
    signer,
    authorRecord: record
  })
  const target = join(directory, 'build', `${name}.btapp`)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, bytes)
  return target
}

const crypto = createNativeProvider()

function exampleAuthor(): {
  readonly signer: Parameters<typeof packApp>[1]['signer']
  readonly record: Uint8Array
} {
  const seed = (text: string): Uint8Array => crypto.sha256(new TextEncoder().encode(text))
  const { id, key, record } = createPrincipal(crypto, {
    signSeed: seed('blocktree example apps, signing'),
    kemSeed: seed('blocktree example apps, encapsulation')
  })
  return { signer: { id, key }, record: record.bytes }
}

function readSource(name: string): ManifestSource {
  return parseManifestSource(readFileSync(join(appsDirectory, name, 'app.json'), 'utf8'))
}

/** `npx` in front finds what lies in `node_modules/.bin`, which is looked into here anyway. */
function commandOf({ build = '' }: ManifestSource): readonly string[] {
  const words = build.split(' ').filter((word) => word !== '')
  return words[0] === 'npx' ? words.slice(1) : words
}

function compile(name: string, source: ManifestSource): void {
  const [program, ...rest] = commandOf(source)
  if (program === undefined) return
  const options = { cwd: join(appsDirectory, name), env: environment, encoding: 'utf8' } as const
  const { status, stdout, stderr, error } = spawnSync(program, rest, options)
  if (status === 0) return
  throw new Error(`app "${name}" does not build: ${error?.message ?? `${stdout}${stderr}`}`)
}

function readAssets(directory: string): Map<string, Uint8Array> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(files.map((file) => [assetPath(directory, file), readFileSync(file)]))
}

function assetPath(directory: string, file: string): string {
  return file.slice(directory.length).replaceAll('\\', '/').replace(/^\//, '')
}

function main(asked: readonly string[]): number {
  let failures = 0
  for (const name of asked.length === 0 ? appNames() : asked) {
    const missing = missingCompiler(name)
    if (missing !== undefined) {
      console.log(`${name}: not built, it needs ${missing}`)
      if (asked.length > 0) failures++
      continue
    }
    const target = buildApp(name)
    console.log(`${name}: ${target} (${readFileSync(target).length} bytes)`)
  }
  return failures === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
