/** What is wrong with a WIT file, and where. */
export class WitError extends Error {
  override readonly name = 'WitError'
  constructor(line: number, message: string) {
    super(`doc/spec/blocktree.wit, line ${line}: ${message}`)
  }
}
