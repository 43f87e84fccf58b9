/** watch.*: changes below a granted object, as events. What an app is too busy to take is merged, then summed up as an overrun. */
import type { Host } from '@blocktree/app-package'
import { type GuestPath, parseGuestPath, treePath } from '../grant-path.ts'
import type { Held } from '../handle-table.ts'
import type { CallContext, HandlerGroup, HostContext } from '../host-context.ts'
import { changesPending } from '../limits.ts'
import type { FileChange } from '../ports.ts'

export const watchCalls: HandlerGroup<'watch'> = {
  'watch.start': async ({ path, recursive }, call) => {
    call.handles.expectRoom('watch')
    const guestPath = parseGuestPath(path)
    const target = treePath(call.grants, guestPath, 'read')
    await call.files.stat(target)
    const watch = new AppWatch(call, guestPath, target)
    const handle = call.handles.add('watch', call.process, watch)
    watch.begin(handle, recursive)
    return handle
  },

  'watch.end': ({ watch }, call) => {
    call.handles.get('watch', watch)
    call.handles.close(watch)
    return undefined
  }
}

const pauseAfterFailureMs = 1000

class AppWatch implements Held {
  readonly #context: HostContext
  readonly #path: GuestPath
  readonly #root: string
  #handle = 0
  #source: { close(): void } | undefined
  /** The last kind of change of each path, in the order of the first. */
  readonly #pending = new Map<string, Host.ChangeKind>()
  #isOverrun = false
  #isDelivering = false
  #stopTimer: (() => void) | undefined

  constructor(context: CallContext, path: GuestPath, root: string) {
    this.#context = context
    this.#path = path
    this.#root = root
  }

  begin(handle: number, isRecursive: boolean): void {
    this.#handle = handle
    this.#source = this.#context.files.watch(this.#root, { isRecursive }, (changes) => this.#take(changes))
  }

  release(): void {
    this.#source?.close()
    this.#source = undefined
    this.#stopTimer?.()
  }

  #take(changes: readonly FileChange[] | undefined): void {
    if (changes === undefined) this.#isOverrun = true
    for (const { kind, path } of changes ?? []) {
      if (this.#pending.size < changesPending) this.#pending.set(this.#guestPath(path), kind)
      else this.#isOverrun = true
    }
    if (!this.#isDelivering) void this.#deliverAll()
  }

  /** One event at a time; what comes meanwhile is in the next one. */
  async #deliverAll(): Promise<void> {
    this.#isDelivering = true
    try {
      while (this.#source !== undefined && (this.#pending.size > 0 || this.#isOverrun)) {
        if (!this.#mayRead()) return this.#forget()
        const changes = [...this.#pending].map(([path, kind]) => ({ kind, path }))
        const overrun = this.#isOverrun
        this.#forget()
        await this.#context.deliver('changed', { changes: { watch: this.#handle, changes, overrun } })
      }
    } catch {
      this.#tryAgainLater() // the app failed at it, which is in its log
    } finally {
      this.#isDelivering = false
    }
  }

  /** Without it an app would not learn of what it missed before something else changes. */
  #tryAgainLater(): void {
    this.#isOverrun = true
    this.#stopTimer?.()
    if (this.#source === undefined) return
    this.#stopTimer = this.#context.timers.start(pauseAfterFailureMs, () => {
      if (!this.#isDelivering) void this.#deliverAll()
    })
  }

  #forget(): void {
    this.#pending.clear()
    this.#isOverrun = false
  }

  /** After a revocation nothing is told any more. */
  #mayRead(): boolean {
    try {
      return treePath(this.#context.grants, this.#path, 'read') === this.#root
    } catch {
      return false
    }
  }

  #guestPath(path: string): string {
    const below = path.slice(this.#root.length)
    return `/${[this.#path.grant, ...this.#path.below].join('/')}${below}`
  }
}
