/**
 * Installs libwasmtime for the wasmtime engine: from a library, a Python wheel or an upstream release archive on this
 * machine, or by fetching the pinned wheel from the Python package index. Whatever it comes from, what is installed has a
 * pinned SHA-256, or one that the person gave for another platform; nothing is run before that was checked.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { basename, join } from 'node:path'
import { type EnginePin, enginePins, pinnedEngineVersion } from './engine-pins.ts'
import { SandboxError } from './sandbox-error.ts'
import { readZipEntry } from './zip-entry.ts'

export interface InstalledEngine {
  readonly name: 'wasmtime'
  readonly version: string
  /** The library itself, for `createProcessRunner`. */
  readonly library: string
  readonly sha256: string
}

export interface InstallOptions {
  /** A file: the library, a wheel (`.whl`), or a release archive of the C API (`.tar.xz`, `.tar.gz`). */
  readonly file?: string
  /** Fetches the pinned wheel when no file is given; `fetch` of the platform in a real node. */
  readonly download?: (url: string) => Promise<Uint8Array>
  /** Where engines of this node are kept; made when absent. */
  readonly directory: string
  /** `process.platform` and `process.arch` when absent. */
  readonly platform?: string
  /** Of the library, for a build that is not pinned here: the person who gives it vouches for it. */
  readonly sha256?: string
}

const libraryName = 'libwasmtime'
const recordName = 'engine.json'
const libraryBytesMax = 128 * 1024 * 1024

/** Throws SandboxError ERR_SANDBOX_INSTALL when what was offered is not the pinned library. */
export async function installEngine(options: InstallOptions): Promise<InstalledEngine> {
  const platform = options.platform ?? currentPlatform()
  const pin = enginePins.find((entry) => entry.platform === platform)
  const library = await obtainLibrary(options, pin)
  const sha256 = hash(library)
  const expected = options.sha256 ?? pin?.librarySha256
  if (expected === undefined) {
    throw new SandboxError(
      'ERR_SANDBOX_INSTALL',
      `no build for ${platform} is pinned; give its SHA-256 to take it anyway`
    )
  }
  if (sha256 !== expected) {
    throw new SandboxError('ERR_SANDBOX_INSTALL', `the library has SHA-256 ${sha256}, expected ${expected}`)
  }
  const file = join(options.directory, `${libraryName}-${pinnedEngineVersion}-${sha256.slice(0, 16)}`)
  mkdirSync(options.directory, { recursive: true })
  writeWhole(file, library)
  const record = { name: 'wasmtime', version: pinnedEngineVersion, file: basename(file), sha256 }
  writeWhole(join(options.directory, recordName), new TextEncoder().encode(`${JSON.stringify(record)}\n`))
  return { name: 'wasmtime', version: pinnedEngineVersion, library: file, sha256 }
}

/**
 * What `installEngine` put into `directory`; undefined when there is nothing. Throws SandboxError ERR_SANDBOX_ENGINE when
 * it is of another version than this release speaks to, or its bytes have changed.
 */
export function findEngine(directory: string): InstalledEngine | undefined {
  const record = readRecord(join(directory, recordName))
  if (record === undefined) return undefined
  if (record.version !== pinnedEngineVersion) {
    throw new SandboxError(
      'ERR_SANDBOX_ENGINE',
      `wasmtime ${record.version} is installed and this release needs ${pinnedEngineVersion}; install it again`
    )
  }
  const library = join(directory, basename(record.file))
  const sha256 = existsSync(library) ? hash(readFileSync(library)) : 'none: the file is missing'
  if (sha256 !== record.sha256) {
    throw new SandboxError(
      'ERR_SANDBOX_ENGINE',
      `"${library}" has SHA-256 ${sha256}, installed was ${record.sha256}`
    )
  }
  return { name: 'wasmtime', version: record.version, library, sha256 }
}

interface EngineRecord {
  readonly version: string
  readonly file: string
  readonly sha256: string
}

function readRecord(file: string): EngineRecord | undefined {
  if (!existsSync(file)) return undefined
  const value = parseObject(readFileSync(file, 'utf8'))
  const version = value?.['version']
  const name = value?.['file']
  const sha256 = value?.['sha256']
  if (typeof version === 'string' && typeof name === 'string' && typeof sha256 === 'string') {
    return { version, file: name, sha256 }
  }
  throw new SandboxError('ERR_SANDBOX_ENGINE', `"${file}" is no record of an engine; install it again`)
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

async function obtainLibrary(
  { file, download, directory }: InstallOptions,
  pin: EnginePin | undefined
): Promise<Uint8Array> {
  if (file === undefined) {
    if (pin === undefined || download === undefined) {
      throw new SandboxError('ERR_SANDBOX_INSTALL', 'no wheel is pinned for this platform; give a file')
    }
    return readWheel(await downloadWheel(pin, download), pin.entry)
  }
  if (file.endsWith('.whl')) return readWheel(readFileSync(file), pin?.entry)
  if (/\.tar\.(xz|gz)$/.test(file)) return readArchive(file, directory)
  return readFileSync(file)
}

/** The index names the place of each file; its answer is not trusted, the hash of the wheel decides. */
async function downloadWheel(
  pin: EnginePin,
  download: (url: string) => Promise<Uint8Array>
): Promise<Uint8Array> {
  const index = `https://pypi.org/pypi/wasmtime/${pinnedEngineVersion}/json`
  const found = findUrl(new TextDecoder().decode(await download(index)), pin.wheel)
  if (found?.startsWith('https://') !== true) {
    throw new SandboxError(
      'ERR_SANDBOX_INSTALL',
      `the package index does not name ${pin.wheel}; give it as a file`
    )
  }
  const wheel = await download(found)
  const sha256 = hash(wheel)
  if (sha256 === pin.wheelSha256) return wheel
  throw new SandboxError(
    'ERR_SANDBOX_INSTALL',
    `${pin.wheel} has SHA-256 ${sha256}, expected ${pin.wheelSha256}`
  )
}

function findUrl(answer: string, fileName: string): string | undefined {
  const files = parseObject(answer)?.['urls']
  if (!Array.isArray(files)) return undefined
  for (const entry of files as readonly unknown[]) {
    if (typeof entry !== 'object' || entry === null || !('filename' in entry) || !('url' in entry)) continue
    if (entry.filename === fileName && typeof entry.url === 'string') return entry.url
  }
  return undefined
}

function readWheel(wheel: Uint8Array, entry: string | undefined): Uint8Array {
  const isLibrary = (name: string): boolean =>
    entry === undefined ? /^wasmtime\/[\w-]+\/_libwasmtime\.(so|dylib)$/.test(name) : name === entry
  const library = readZipEntry(wheel, isLibrary, libraryBytesMax)
  if (library !== undefined) return library
  throw new SandboxError('ERR_SANDBOX_INSTALL', 'the wheel holds no library of wasmtime for this platform')
}

/** Unpacked by the system's tar: only the library, by name, into a place of its own. */
function readArchive(file: string, directory: string): Uint8Array {
  mkdirSync(directory, { recursive: true })
  const place = mkdtempSync(join(directory, 'unpacking-'))
  try {
    const result = spawnSync(
      'tar',
      [
        '--extract',
        '--file',
        file,
        '--directory',
        place,
        '--strip-components=2',
        '--wildcards',
        '*/lib/libwasmtime.so'
      ],
      { encoding: 'utf8' }
    )
    const library = join(place, 'libwasmtime.so')
    const entry = lstatSync(library, { throwIfNoEntry: false }) // a link would lead out of the archive
    if (result.status === 0 && entry?.isFile() === true && entry.size <= libraryBytesMax) {
      return readFileSync(library)
    }
    const reason = result.error?.message ?? result.stderr.trim().split('\n')[0]
    throw new SandboxError(
      'ERR_SANDBOX_INSTALL',
      `"${file}" holds no lib/libwasmtime.so: ${reason ?? 'not found'}`
    )
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function writeWhole(file: string, bytes: Uint8Array): void {
  writeFileSync(`${file}.new`, bytes, { mode: 0o644, flush: true })
  renameSync(`${file}.new`, file)
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function currentPlatform(): string {
  return `${process.platform}-${process.arch}`
}
