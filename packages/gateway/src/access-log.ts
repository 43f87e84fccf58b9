/** One line of the access log. Queries and headers are left out: they hold what is private to the person and the app. */

export interface AccessLine {
  readonly id: string
  readonly timeMs: number
  /** Address of the client. */
  readonly remote: string
  readonly method: string
  /** Undefined when the target could not be read. */
  readonly path: string | undefined
  /** Undefined when no app was meant. */
  readonly app: string | undefined
  readonly status: number
  /** Of the body sent. */
  readonly bytes: number
  readonly durationMs: number
  /** Why there is no ordinary answer: a code and a sentence. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined
}
