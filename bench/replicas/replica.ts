/** What the section `replication` compares: one side has a directory, the other gets all of it over loopback. */

export interface Replication {
  /** From when the receiver answers until it has everything on its disk. */
  readonly seconds: number
  /** Of all processes of both sides in that time. */
  readonly cpuSeconds: number
  /** The largest resident memory of the receiver. */
  readonly receiverMiB: number
}

export interface Replica extends AsyncDisposable {
  readonly name: string
  readonly note: string
  /** What is missing on this machine, or undefined when it can run. */
  missing(): string | undefined
  /** Starts the side that has the directories, and lets it read them; untimed. */
  prepare(sources: readonly string[], bytes: number): Promise<void>
  /** A receiver that has nothing gets everything; it is ended and its copy removed afterwards. */
  replicate(): Promise<Replication>
}
