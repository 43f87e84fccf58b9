/** What every driver checks before it works: the caller's signal, whether it is open, and its permissions. */
import { ErisError, type StoreOptions, type StorePermissions, allPermissions } from '@blocktree/eris'

export class StoreGate {
  readonly name: string
  readonly permissions: StorePermissions
  #isClosed = false

  constructor(name: string, permissions: Partial<StorePermissions> = {}) {
    this.name = name
    this.permissions = { ...allPermissions, ...permissions }
  }

  expect(permission: keyof StorePermissions, options: StoreOptions | undefined): void {
    options?.signal?.throwIfAborted()
    if (this.#isClosed) throw new ErisError('ERR_ERIS_STORE_CLOSED', `${this.name} is closed`)
    if (this.permissions[permission]) return
    throw new ErisError('ERR_ERIS_STORE_DENIED', `${this.name} does not allow "${permission}"`)
  }

  /** True for the first call. */
  close(): boolean {
    const isFirst = !this.#isClosed
    this.#isClosed = true
    return isFirst
  }
}
