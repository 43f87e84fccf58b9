/**
 * Bodies that go out in blocks, one after another for each resource of a peer: the peer knows a transfer by who asks what,
 * so two at a time to the same place would be one to it (RFC 7959 section 2.4).
 */
export class UploadLine {
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `work` when nothing else with this key runs. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(key, promise)
    await before
    try {
      return await work()
    } finally {
      if (this.#last.get(key) === promise) this.#last.delete(key)
      resolve()
    }
  }
}
