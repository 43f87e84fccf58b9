/**
 * The command line of a sandbox process at each level of confinement. Every level: an empty environment, limits of
 * V8 for memory and tables, Node's permission model with one readable file, resource limits of the system, and death
 * with the node where the system offers it.
 */
import type { EngineName } from './frame-type.ts'

export const sandboxLevels = ['process', 'bwrap', 'bwrap+seccomp'] as const
/** From weak to strong. */
export type SandboxLevel = (typeof sandboxLevels)[number]

export interface SpawnOptions {
  readonly level: SandboxLevel
  readonly engine: EngineName
  /** The bundled child program. */
  readonly program: string
  /** Library of the engine, for wasmtime. */
  readonly library: string | undefined
  readonly memoryBytes: number
  readonly tableElements: number
  readonly payloadBytes: number
  readonly tools: SpawnTools
}

/** What was found on this machine (`probeLevels`). */
export interface SpawnTools {
  readonly node: string
  readonly shell: string | undefined
  /** With `--pdeathsig`. */
  readonly setpriv: string | undefined
  readonly bwrap: string | undefined
}

export interface SpawnCommand {
  readonly file: string
  readonly arguments: readonly string[]
  /** Descriptor through which bwrap reads the seccomp filter, when the level has one. */
  readonly filterDescriptor: number | undefined
}

const pageBytes = 65_536
const filterDescriptor = 4
const descriptorsMax = 32
// V8 maps 512 MiB for code at its start, used or not; the rest is for Node.js, its threads and a compiler.
const ownDataBytes = 768 * 1024 * 1024
const insideProgram = '/sandbox-child.cjs'
const insideLibrary = '/engine-library'
const insideNode = '/node'
// No /dev/tty: without it the terminal of the node is out of reach in the same session, and in a session of its own the
// process would be scheduled in another group than the node, which made host calls five times slower under load.
const devices = ['/dev/null', '/dev/urandom']
const systemDirectories = ['/lib', '/lib64', '/usr/lib', '/usr/lib64']

export function buildSpawnCommand(options: SpawnOptions): SpawnCommand {
  const { level, tools } = options
  const inside =
    level === 'process' ? nodeArguments(options, tools.node, options.program, options.library) : []
  const words = level === 'process' ? [...deathSignal(tools), ...inside] : confine(options)
  const limited = tools.shell === undefined ? words : withResourceLimits(tools.shell, words, options)
  const [file = tools.node, ...rest] = limited
  return {
    file,
    arguments: rest,
    filterDescriptor: level === 'bwrap+seccomp' ? filterDescriptor : undefined
  }
}

/** Where the child sees the library of its engine. */
export function libraryPathInside(level: SandboxLevel, library: string | undefined): string | undefined {
  return library === undefined || level === 'process' ? library : insideLibrary
}

function nodeArguments(
  { engine, memoryBytes, tableElements, payloadBytes }: SpawnOptions,
  node: string,
  program: string,
  library: string | undefined
): readonly string[] {
  const heapMiB = 32 + Math.ceil(payloadBytes / (1024 * 1024)) * 4
  return [
    node,
    `--max-old-space-size=${heapMiB}`,
    '--max-semi-space-size=1',
    '--single-threaded-gc',
    '--v8-pool-size=1',
    `--wasm-max-mem-pages=${Math.ceil(memoryBytes / pageBytes)}`,
    `--wasm-max-table-size=${tableElements}`,
    '--disallow-code-generation-from-strings',
    '--no-warnings',
    '--permission',
    `--allow-fs-read=${program}`,
    ...(engine === 'wasmtime' && library !== undefined ? ['--allow-ffi', `--allow-fs-read=${library}`] : []),
    program
  ]
}

/** The kernel kills the process when the thread that started it is gone, also if the guest never reads again. */
function deathSignal({ setpriv }: SpawnTools): readonly string[] {
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']
}

function confine(options: SpawnOptions): readonly string[] {
  const { tools, program, library, level } = options
  if (tools.bwrap === undefined) return []
  return [
    tools.bwrap,
    '--unshare-all',
    '--die-with-parent',
    '--clearenv',
    '--cap-drop',
    'ALL',
    ...systemDirectories.flatMap((directory) => ['--ro-bind-try', directory, directory]),
    '--ro-bind',
    tools.node,
    insideNode,
    '--ro-bind',
    program,
    insideProgram,
    ...(library === undefined ? [] : ['--ro-bind', library, insideLibrary]),
    '--proc',
    '/proc',
    ...devices.flatMap((device) => ['--dev-bind', device, device]),
    '--chdir',
    '/',
    ...(level === 'bwrap+seccomp' ? ['--seccomp', String(filterDescriptor)] : []),
    ...nodeArguments(options, insideNode, insideProgram, libraryPathInside(level, library))
  ]
}

/** Memory in KiB, descriptors, no core files, no files at all. The shell replaces itself. */
function withResourceLimits(
  shell: string,
  words: readonly string[],
  { memoryBytes }: SpawnOptions
): readonly string[] {
  const dataKiB = Math.ceil((memoryBytes + ownDataBytes) / 1024)
  const script = `ulimit -c 0; ulimit -n ${descriptorsMax}; ulimit -f 0; ulimit -d ${dataKiB}; exec "$@"`
  return [shell, '-c', script, 'sandbox', ...words]
}
