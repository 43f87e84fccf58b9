/**
 * What a sandbox process may say when (doc/spec/19-sandbox-frames.md, section 6), seen from the node. A child speaks
 * while it loads or serves an invocation, and is silent while it waits for an answer. Invocations may be sent ahead; it
 * serves them one after another in their order. A frame out of turn is as bad as a malformed one.
 */
import type { ChildFrame } from './child-frame.ts'
import type { EngineName } from './frame-type.ts'
import { SandboxError } from './sandbox-error.ts'

export type Turn =
  | 'greeting' // the child owes its hello
  | 'loading' // it instantiates the module
  | 'waiting' // the node owes an invocation; the child is silent
  | 'serving' // it serves the first invocation that it has not answered
  | 'asking' // the node owes the answer to a host call; the child is silent
  | 'ended' // it reported a trap and says nothing more

export class Conversation {
  readonly #engine: EngineName
  #turn: Turn = 'greeting'
  #invocation = 0 // being served, or the last that was; 0 while loading
  #sent = 0 // the last invocation that the node sent
  #hostCall = 0

  constructor(engine: EngineName) {
    this.#engine = engine
  }

  get turn(): Turn {
    return this.#turn
  }

  /** The invocation being served, 0 while loading. */
  get invocation(): number {
    return this.#invocation
  }

  /** The node sends an invocation; one that is not served at once is sent ahead. @returns its id */
  invoke(): number {
    if (!this.#isLoaded || this.#turn === 'ended') throw this.#silence()
    this.#sent++
    if (this.#turn === 'waiting') this.#serveNext()
    return this.#sent
  }

  /** The node answers the host call that is open. @returns its id */
  reply(): number {
    if (this.#turn !== 'asking') throw this.#silence()
    this.#turn = this.#isLoaded ? 'serving' : 'loading'
    return this.#hostCall
  }

  #isLoaded = false

  /** Throws SandboxError ERR_SANDBOX_FRAME unless `frame` may come now. */
  receive(frame: ChildFrame): void {
    switch (frame.type) {
      case 'hello':
        return this.#hello(frame.engine)
      case 'result':
        return this.#result(frame.id)
      case 'hostCall':
        return this.#call(frame.id)
      case 'log':
        if (this.#turn !== 'loading' && this.#turn !== 'serving') throw this.#refuse('log')
        return
      case 'trap':
        return this.#trap(frame.id)
      default:
        frame satisfies never
    }
  }

  #hello(engine: EngineName): void {
    if (this.#turn !== 'greeting') throw this.#refuse('hello')
    if (engine !== this.#engine) {
      throw new SandboxError('ERR_SANDBOX_FRAME', `hello of engine ${engine}, asked for ${this.#engine}`)
    }
    this.#turn = 'loading'
  }

  #result(id: number): void {
    if (this.#turn !== 'loading' && this.#turn !== 'serving') throw this.#refuse('result')
    this.#checkId('result', id, this.#invocation)
    this.#isLoaded = true
    if (this.#invocation < this.#sent) this.#serveNext()
    else this.#turn = 'waiting'
  }

  #serveNext(): void {
    this.#invocation++
    this.#turn = 'serving'
  }

  #call(id: number): void {
    if (this.#turn !== 'loading' && this.#turn !== 'serving') throw this.#refuse('host call')
    this.#checkId('host call', id, this.#hostCall + 1)
    this.#hostCall = id
    this.#turn = 'asking'
  }

  #trap(id: number): void {
    if (this.#turn !== 'greeting' && this.#turn !== 'loading' && this.#turn !== 'serving') {
      throw this.#refuse('trap')
    }
    this.#checkId('trap', id, this.#invocation)
    this.#turn = 'ended'
  }

  #checkId(what: string, id: number, expected: number): void {
    if (id === expected) return
    throw new SandboxError('ERR_SANDBOX_FRAME', `${what} with id ${id}, expected ${expected}`)
  }

  #silence(): Error {
    return new Error(`the node may not speak while the child is ${this.#turn}`)
  }

  #refuse(what: string): SandboxError {
    return new SandboxError('ERR_SANDBOX_FRAME', `${what} while ${this.#turn}`)
  }
}
