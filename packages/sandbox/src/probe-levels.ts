/**
 * Which levels of confinement this machine offers, found out by using them: bwrap may be absent, and user namespaces may
 * be forbidden. What was found is shown in `status`, and a node can demand a level.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { SandboxLevel, SpawnTools } from './spawn-command.ts'

export interface LevelReport {
  /** From weak to strong, those that work here. */
  readonly available: readonly SandboxLevel[]
  /** Of the levels that do not. */
  readonly reasons: Readonly<Partial<Record<SandboxLevel, string>>>
  readonly tools: SpawnTools
}

const probeMs = 5000
const searchPath = '/usr/local/bin:/usr/bin:/bin'

/** @param path where programs are looked for; nothing of the environment is read */
export function probeLevels(options: { readonly path?: string; readonly hasFilter: boolean }): LevelReport {
  const path = options.path ?? searchPath
  const tools: SpawnTools = {
    node: process.execPath,
    shell: findProgram('sh', path),
    setpriv: findDeathSignal(path),
    bwrap: findProgram('bwrap', path)
  }
  const problem = tools.bwrap === undefined ? 'bwrap is not installed' : tryNamespaces(tools.bwrap)
  if (problem !== undefined) {
    return { available: ['process'], reasons: { bwrap: problem, 'bwrap+seccomp': problem }, tools }
  }
  if (options.hasFilter) return { available: ['process', 'bwrap', 'bwrap+seccomp'], reasons: {}, tools }
  const reason = `there is no filter of system calls for ${process.arch}`
  return { available: ['process', 'bwrap'], reasons: { 'bwrap+seccomp': reason }, tools }
}

function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((file) => isExecutable(file))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function findDeathSignal(path: string): string | undefined {
  const file = findProgram('setpriv', path)
  if (file === undefined) return undefined
  const tried = spawnSync(file, ['--pdeathsig', 'KILL', '--', '/bin/true'], { env: {}, timeout: probeMs })
  return tried.status === 0 ? file : undefined
}

/** @returns what is wrong, or undefined when a process can be confined */
function tryNamespaces(bwrap: string): string | undefined {
  const tried = spawnSync(
    bwrap,
    [
      '--unshare-all',
      '--die-with-parent',
      '--ro-bind',
      '/',
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '/bin/true'
    ],
    { env: {}, timeout: probeMs, encoding: 'utf8' }
  )
  if (tried.status === 0) return undefined
  return tried.stderr.trim().split('\n')[0] ?? `bwrap ended with status ${tried.status ?? 'unknown'}`
}
