/** Why a module can't be read, is refused or can't be rewritten; callers branch on `code`. */

export type ModuleErrorCode =
  | 'ERR_MODULE_MAGIC' // not a core WebAssembly module of version 1
  | 'ERR_MODULE_TRUNCATED' // a value, section or body ends behind what contains it
  | 'ERR_MODULE_INTEGER' // an LEB128 integer is too long or out of its range
  | 'ERR_MODULE_NAME' // a name is no UTF-8
  | 'ERR_MODULE_SECTION' // an unknown, repeated, misplaced or overlong section
  | 'ERR_MODULE_TYPE' // a byte that names no type
  | 'ERR_MODULE_INDEX' // an index of something that does not exist
  | 'ERR_MODULE_OPCODE' // an instruction that does not exist, or not in this place
  | 'ERR_MODULE_NESTING' // blocks that do not close in order
  | 'ERR_MODULE_FEATURE' // a proposal that is not accepted
  | 'ERR_MODULE_RESERVED_NAME' // an export with a name that the host keeps for itself
  | 'ERR_MODULE_LIMIT' // more of something than allowed
  | 'ERR_MODULE_IMPORT_UNKNOWN' // an import that the host does not have
  | 'ERR_MODULE_IMPORT_TYPE' // a known import with another signature
  | 'ERR_MODULE_EXPORT_MISSING' // an export that the guest ABI asks for is absent
  | 'ERR_MODULE_EXPORT_TYPE' // an export of the guest ABI with another kind or signature

export class ModuleError extends Error {
  override readonly name = 'ModuleError'
  readonly code: ModuleErrorCode
  /** Where in the module, in bytes; absent when it is about the module as a whole. */
  readonly offset: number | undefined

  constructor(code: ModuleErrorCode, message: string, offset?: number) {
    super(offset === undefined ? message : `${message}, at offset ${offset}`)
    this.code = code
    this.offset = offset
  }
}
