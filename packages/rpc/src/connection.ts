/** The port between a state machine and whatever moves its bytes: a socket, stdin and stdout, memory. */
export interface Connection {
  /** Takes the bytes in any case; false asks to wait for `drained()` before sending more. Must not throw. */
  send(bytes: Uint8Array): boolean
  /** Asks the transport to stop reading. */
  pause(): void
  /** Asks the transport to read again. */
  resume(): void
  /** Ends the connection after what was sent. */
  close(): void
}

/** What a transport calls. None of these throws, whatever the bytes. */
export interface Receiver {
  /** Takes ownership of the chunk: the transport must not reuse its memory. */
  receive(chunk: Uint8Array): void
  /** The transport has room again after `send` returned false. */
  drained(): void
  /** Nothing more comes: requests are aborted and everything they registered is released. */
  end(): void
}

/** Deadlines come from outside, so that a simulator can own time. */
export interface Timers {
  /** Calls back once after this time, unless the returned function was called before. */
  start(milliseconds: number, callback: () => void): () => void
}

/** Runs a function soon, after what is running now: gathers answers into one write. */
export type Defer = (callback: () => void) => void
