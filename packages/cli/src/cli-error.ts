/** What the command line itself refuses; errors of the node arrive as RpcError and keep their codes. */
export type CliErrorCode =
  | 'ERR_COMMAND_UNKNOWN' // no such command
  | 'ERR_OPTION_UNKNOWN' // no such option of this command
  | 'ERR_OPTION_VALUE' // an option lacks its value, or has one that does not fit
  | 'ERR_ARGUMENT_MISSING' // a command needs more arguments
  | 'ERR_ARGUMENT_EXTRA' // a command takes fewer arguments
  | 'ERR_ARGUMENT_VALUE' // an argument does not fit
  | 'ERR_NODE_ABSENT' // no node answers on the socket
  | 'ERR_LOCAL_FILE' // a file of this machine cannot be read or written
  | 'ERR_PROMISE_FEW' // fewer nodes than asked for promised to keep what was written
  | 'ERR_LOCK_ENDED' // there is no lock to give back
  | 'ERR_LOCAL_EXISTS' // a file of this machine would be overwritten
  | 'ERR_PASSPHRASE_ABSENT' // a passphrase is needed and there is no terminal to ask on
  | 'ERR_CONSENT_ABSENT' // nobody agreed to what an app asks for, and there is no terminal to ask on
  | 'ERR_APP_BUILD' // the build command of an app project failed, or its compiler is missing
  | 'ERR_AUTHOR_OTHER' // a package is signed by another author than was named
  | 'ERR_START_FAILED' // the node that was started ended before it was ready

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  /** A sentence or command that helps. */
  readonly advice: string | undefined
  constructor(
    code: CliErrorCode,
    message: string,
    options: ErrorOptions & { readonly advice?: string | undefined } = {}
  ) {
    super(message, options)
    this.code = code
    this.advice = options.advice
  }
}
