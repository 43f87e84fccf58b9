/** Files of this machine that a command reads whole, and writes whole. */
import { readFileSync, writeFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { localPath } from './local-path.ts'

/** @param name `-` is stdin @throws ERR_LOCAL_FILE */
export function readLocalFile(context: CommandContext, name: string): Uint8Array {
  try {
    return readFileSync(name === '-' ? 0 : localPath(context, name))
  } catch (cause) {
    throw failed('read', name, cause)
  }
}

/** Replaces what is there. @throws ERR_LOCAL_FILE */
export function writeLocalFile(context: CommandContext, name: string, bytes: Uint8Array | string): void {
  try {
    writeFileSync(localPath(context, name), bytes)
  } catch (cause) {
    throw failed('write', name, cause)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of it is no directory',
  EACCES: 'permission denied',
  ENOSPC: 'no space is left',
  EROFS: 'the file system is read-only'
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return ('code' in cause ? reasons[String(cause.code)] : undefined) ?? cause.message
}

/** What the system refused, as ERR_LOCAL_FILE; any other error as it is. */
export function localFailure(action: 'read' | 'write', name: string, cause: unknown): unknown {
  return cause instanceof Error && 'syscall' in cause ? failed(action, name, cause) : cause
}

function failed(action: string, name: string, cause: unknown): CliError {
  const isFolder = action === 'write' && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  const reason = isFolder ? 'the folder for it is not there' : reasonOf(cause)
  return new CliError('ERR_LOCAL_FILE', `cannot ${action} "${name}": ${reason}`, { cause })
}
