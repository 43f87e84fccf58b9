/**
 * What a guest may import and has to export: guest ABI v1 and the whole of wasi_snapshot_preview1
 * (doc/spec/16-wasm-module.md, section 2). Functions of preview 1 that the host does not implement answer ENOSYS; they
 * are here because C libraries import them without being asked.
 */
import type { FunctionType, ValueType } from './value-type.ts'

export const blocktreeModule = 'blocktree'
export const wasiModule = 'wasi_snapshot_preview1'

const letters: Readonly<Record<string, ValueType>> = { i: 'i32', I: 'i64' }

/** A signature in short: `i` is i32, `I` is i64. */
function signature(parameters: string, result: '' | 'i' | 'I'): FunctionType {
  const read = (text: string): ValueType[] => [...text].flatMap((letter) => letters[letter] ?? [])
  return { parameters: read(parameters), results: read(result) }
}

/** Functions of the module `blocktree`. */
export const blocktreeImports: ReadonlyMap<string, FunctionType> = new Map([
  ['call', signature('iii', 'I')], // operation, pointer, length -> status << 32 | reply length
  ['take', signature('i', '')] // pointer that the parked reply is written to
])

/** Functions of the module `wasi_snapshot_preview1`; all but proc_exit return an errno. */
export const wasiImports: ReadonlyMap<string, FunctionType> = new Map([
  ['args_get', signature('ii', 'i')],
  ['args_sizes_get', signature('ii', 'i')],
  ['environ_get', signature('ii', 'i')],
  ['environ_sizes_get', signature('ii', 'i')],
  ['clock_res_get', signature('ii', 'i')],
  ['clock_time_get', signature('iIi', 'i')],
  ['fd_advise', signature('iIIi', 'i')],
  ['fd_allocate', signature('iII', 'i')],
  ['fd_close', signature('i', 'i')],
  ['fd_datasync', signature('i', 'i')],
  ['fd_fdstat_get', signature('ii', 'i')],
  ['fd_fdstat_set_flags', signature('ii', 'i')],
  ['fd_fdstat_set_rights', signature('iII', 'i')],
  ['fd_filestat_get', signature('ii', 'i')],
  ['fd_filestat_set_size', signature('iI', 'i')],
  ['fd_filestat_set_times', signature('iIIi', 'i')],
  ['fd_pread', signature('iiiIi', 'i')],
  ['fd_prestat_get', signature('ii', 'i')],
  ['fd_prestat_dir_name', signature('iii', 'i')],
  ['fd_pwrite', signature('iiiIi', 'i')],
  ['fd_read', signature('iiii', 'i')],
  ['fd_readdir', signature('iiiIi', 'i')],
  ['fd_renumber', signature('ii', 'i')],
  ['fd_seek', signature('iIii', 'i')],
  ['fd_sync', signature('i', 'i')],
  ['fd_tell', signature('ii', 'i')],
  ['fd_write', signature('iiii', 'i')],
  ['path_create_directory', signature('iii', 'i')],
  ['path_filestat_get', signature('iiiii', 'i')],
  ['path_filestat_set_times', signature('iiiiIIi', 'i')],
  ['path_link', signature('iiiiiii', 'i')],
  ['path_open', signature('iiiiiIIii', 'i')],
  ['path_readlink', signature('iiiiii', 'i')],
  ['path_remove_directory', signature('iii', 'i')],
  ['path_rename', signature('iiiiii', 'i')],
  ['path_symlink', signature('iiiii', 'i')],
  ['path_unlink_file', signature('iii', 'i')],
  ['poll_oneoff', signature('iiii', 'i')],
  ['proc_exit', signature('i', '')],
  ['proc_raise', signature('i', 'i')],
  ['random_get', signature('ii', 'i')],
  ['sched_yield', signature('', 'i')],
  ['sock_accept', signature('iii', 'i')],
  ['sock_recv', signature('iiiiii', 'i')],
  ['sock_send', signature('iiiii', 'i')],
  ['sock_shutdown', signature('ii', 'i')]
])

interface GuestExport {
  readonly type: FunctionType
  readonly isRequired: boolean
}

/** Functions that a guest of ABI v1 exports, beside its `memory`. */
export const guestExports: ReadonlyMap<string, GuestExport> = new Map([
  ['bt_abi_version', { type: signature('', 'i'), isRequired: true }],
  ['bt_alloc', { type: signature('i', 'i'), isRequired: true }], // length -> pointer
  ['bt_event', { type: signature('iii', 'I'), isRequired: true }], // kind, pointer, length -> pointer << 32 | length
  ['bt_free', { type: signature('ii', ''), isRequired: false }], // pointer, length
  ['_initialize', { type: signature('', ''), isRequired: false }]
])

/** What a WASI command exports beside its `memory`. */
export const commandExports: ReadonlyMap<string, GuestExport> = new Map([
  ['_start', { type: signature('', ''), isRequired: true }]
])
