/** What WASI preview 1 needs from its host, and the error numbers in use here. */
export interface Preview1Host {
  /** The program's name first. */
  readonly arguments: readonly string[]
  /** `NAME=value`. */
  readonly environment: readonly string[]
  /** Text of the guest's stdout (1) or stderr (2); a view that is valid during the call. */
  log(stream: 1 | 2, text: Uint8Array): void
  randomFill(target: Uint8Array): void
  /** Nanoseconds since 1970. */
  realTime(): bigint
  /** Nanoseconds since some moment. */
  monotonicTime(): bigint
  sleep(milliseconds: number): void
}

export const errno = { success: 0, badf: 8, fault: 21, inval: 28, nosys: 52, spipe: 70 } as const
