/** How a command ends, as a number; doc/CLI.md lists them. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  noNode: 5,
  exists: 6,
  damaged: 7,
  full: 8,
  interrupted: 130
} as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

export const exitCodeMeanings: Readonly<Record<keyof typeof exitCode, string>> = {
  ok: 'done',
  failure: 'failed for another reason than the ones below',
  usage: 'the command line is wrong: unknown command or option, missing argument, value that does not fit',
  notFound: 'nothing is at the path, or no such version, grant or principal',
  denied: 'access denied, root key locked, or wrong passphrase',
  noNode: 'no node runs on the data directory',
  exists: 'something is there already, a directory is not empty, or a node runs already',
  damaged: 'check, drill or doctor found damage; a backup or file does not verify',
  full: 'no space left',
  interrupted: 'interrupted (Ctrl-C)'
}

const byCode: Readonly<Record<string, ExitCode>> = {
  ERR_COMMAND_UNKNOWN: exitCode.usage,
  ERR_OPTION_UNKNOWN: exitCode.usage,
  ERR_OPTION_VALUE: exitCode.usage,
  ERR_ARGUMENT_MISSING: exitCode.usage,
  ERR_ARGUMENT_EXTRA: exitCode.usage,
  ERR_ARGUMENT_VALUE: exitCode.usage,
  ERR_CONFIGURATION_KEY: exitCode.usage,
  ERR_CONFIGURATION_VALUE: exitCode.usage,
  ERR_CONFIGURATION_FILE: exitCode.usage,
  ERR_PATH_INVALID: exitCode.usage,
  ERR_PATH_DEPTH: exitCode.usage,
  ERR_RPC_PARAMS: exitCode.usage,
  ERR_RPC_METHOD_UNKNOWN: exitCode.usage,
  ERR_RIGHT_UNKNOWN: exitCode.usage,
  ERR_FILE_NOT_FOUND: exitCode.notFound,
  ERR_VERSION_NOT_FOUND: exitCode.notFound,
  ERR_PRINCIPAL_UNKNOWN: exitCode.notFound,
  ERR_ACCESS_REQUEST_UNKNOWN: exitCode.notFound,
  ERR_ACCESS_DENIED: exitCode.denied,
  ERR_KEY_MISSING: exitCode.denied,
  ERR_HEADER_RIGHT: exitCode.denied,
  ERR_ROOT_LOCKED: exitCode.denied,
  ERR_ROOT_PASSPHRASE: exitCode.denied,
  ERR_ROOT_ATTEMPTS: exitCode.denied,
  ERR_KEY_FILE_PASSWORD: exitCode.denied,
  ERR_BACKUP_PASSPHRASE: exitCode.denied,
  ERR_DATA_OWNER: exitCode.denied,
  ERR_PASSPHRASE_ABSENT: exitCode.denied,
  ERR_NODE_ABSENT: exitCode.noNode,
  ERR_RPC_CLOSED: exitCode.noNode,
  ERR_FILE_EXISTS: exitCode.exists,
  ERR_LOCAL_EXISTS: exitCode.exists,
  ERR_DIRECTORY_NOT_EMPTY: exitCode.exists,
  ERR_DATA_IN_USE: exitCode.exists,
  ERR_DATA_EXISTS: exitCode.exists,
  ERR_SOCKET_IN_USE: exitCode.exists,
  ERR_FILE_DAMAGED: exitCode.damaged,
  ERR_STORE_CORRUPT: exitCode.damaged,
  ERR_BACKUP_CORRUPT: exitCode.damaged,
  ERR_ARCHIVE_DAMAGED: exitCode.damaged,
  ERR_ARCHIVE_FORMAT: exitCode.damaged,
  ERR_ARCHIVE_TRUNCATED: exitCode.damaged,
  ERR_KEY_BACKUP: exitCode.damaged,
  ERR_STORE_FULL: exitCode.full,
  ERR_DATA_FULL: exitCode.full,
  ERR_RPC_CANCELLED: exitCode.interrupted
}

export function exitCodeOf(code: string | undefined): ExitCode {
  return (code === undefined ? undefined : byCode[code]) ?? exitCode.failure
}
