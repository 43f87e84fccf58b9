/** The one error class of this package; callers branch on `code`. What ends a running app is an AppRunError. */
export type SandboxErrorCode =
  | 'ERR_SANDBOX_FRAME' // a frame is malformed, or may not come now
  | 'ERR_SANDBOX_ENGINE' // an engine's library is absent, of another version, or cannot be loaded
  | 'ERR_SANDBOX_INSTALL' // what was offered as an engine is not the pinned one
  | 'ERR_SANDBOX_LEVEL' // the level asked for cannot be had on this machine
  | 'ERR_SANDBOX_CHANNEL' // the other end of the channel is gone

export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly code: SandboxErrorCode
  constructor(code: SandboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
