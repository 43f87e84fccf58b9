/**
 * The root key while it is needed: opened by its passphrase for what only the owner may do, wiped again after a while.
 * Wrong passphrases cost time: the third in a row waits a second, each further one twice as long.
 */
import { CryptoError, type CryptoProvider, type KeyStorage, passwordBytes, wipe } from '@blocktree/crypto'
import { createPrincipal, type Principal } from '@blocktree/tree'
import type { StartTimer } from './life-cycle.ts'
import { NodeError } from './node-error.ts'

export interface RootKeyState {
  readonly isUnlocked: boolean
  readonly locksAtMs: number | undefined
  readonly failedAttempts: number
}

export interface RootKey {
  readonly state: RootKeyState
  /** ERR_ROOT_PASSPHRASE, ERR_ROOT_ATTEMPTS. Attempts run one after another. */
  unlock(passphrase: string): Promise<void>
  lock(): void
  /** ERR_ROOT_LOCKED. Valid until the key is locked. */
  principal(): Principal
  /** Seals the key under another passphrase. ERR_ROOT_PASSPHRASE, ERR_ROOT_ATTEMPTS. */
  changePassphrase(current: string, next: string): Promise<void>
  /** Called when the key was locked, by time or by hand. */
  onLock(listener: () => void): void
}

export interface RootKeyOptions {
  readonly storage: KeyStorage
  readonly crypto: CryptoProvider
  readonly now: () => number
  readonly startTimer: StartTimer
  readonly autoLockMs: number
}

export const rootKeyName = 'root'
const freeAttempts = 2 // a typing mistake costs nothing
const waitMsMax = 5 * 60_000

export function createRootKey(options: RootKeyOptions): RootKey {
  const { storage, crypto, now, startTimer, autoLockMs } = options
  const listeners: (() => void)[] = []
  let principal: Principal | undefined
  let locksAtMs: number | undefined
  let stopTimer = (): void => undefined
  let failedAttempts = 0
  let refusedUntilMs = 0
  let queue: Promise<unknown> = Promise.resolve()

  function lock(): void {
    stopTimer()
    if (principal === undefined) return
    principal.close()
    principal = undefined
    locksAtMs = undefined
    for (const listener of listeners) listener()
  }

  /** The opened seeds; counts the attempt. */
  async function open(passphrase: string): Promise<Awaited<ReturnType<KeyStorage['open']>> & object> {
    const waitMs = refusedUntilMs - now()
    if (waitMs > 0) {
      throw new NodeError(
        'ERR_ROOT_ATTEMPTS',
        `wrong passphrase ${failedAttempts} times; wait ${Math.ceil(waitMs / 1000)} s`,
        {
          data: { retryAfterMs: waitMs }
        }
      )
    }
    const password = passwordBytes(passphrase)
    try {
      // the spare is alone only when a change of the passphrase was cut short
      const secret =
        (await storage.open(rootKeyName, { password })) ?? (await storage.open(spareKeyName, { password }))
      if (secret === undefined)
        throw new NodeError(
          'ERR_ROOT_PASSPHRASE',
          'the root key is not on this node; restore it from its backup'
        )
      failedAttempts = 0
      return secret
    } catch (error) {
      if (!(error instanceof CryptoError) || error.code !== 'ERR_KEY_FILE_PASSWORD') throw error
      failedAttempts++
      const waits = Math.max(0, failedAttempts - freeAttempts)
      refusedUntilMs = waits === 0 ? 0 : now() + Math.min(waitMsMax, 1000 * 2 ** (waits - 1))
      throw new NodeError(
        'ERR_ROOT_PASSPHRASE',
        'the passphrase does not open the root key; check it and try again',
        {
          cause: error,
          data: { failedAttempts }
        }
      )
    } finally {
      wipe(password)
    }
  }

  async function unlock(passphrase: string): Promise<void> {
    const secret = await open(passphrase)
    stopTimer()
    principal ??= createPrincipal(crypto, secret)
    secret.close()
    locksAtMs = now() + autoLockMs
    stopTimer = startTimer(autoLockMs, lock)
  }

  async function changePassphrase(current: string, next: string): Promise<void> {
    const secret = await open(current)
    const password = passwordBytes(next)
    try {
      await replaceSealed(storage, secret, password)
    } finally {
      secret.close()
      wipe(password)
    }
  }

  /** One attempt after another: Argon2id takes its memory once. */
  async function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    await turn
  }

  return {
    get state() {
      return { isUnlocked: principal !== undefined, locksAtMs, failedAttempts }
    },
    unlock: (passphrase) => inTurn(() => unlock(passphrase)),
    lock,
    principal() {
      if (principal !== undefined) return principal
      throw new NodeError(
        'ERR_ROOT_LOCKED',
        'only the owner may do this, and the root key is locked; unlock it with root.unlock'
      )
    },
    changePassphrase: (current, next) => inTurn(() => changePassphrase(current, next)),
    onLock: (listener) => void listeners.push(listener)
  }
}

const spareKeyName = 'root-new'

/**
 * The key is never without a file: a spare one is written and read back first. A crash leaves `root`, or the spare,
 * which `open` falls back to.
 */
async function replaceSealed(
  storage: KeyStorage,
  secret: { readonly signSeed: Uint8Array; readonly kemSeed: Uint8Array },
  password: Uint8Array
): Promise<void> {
  await storage.remove(spareKeyName)
  await storage.create(spareKeyName, secret, { password })
  const readBack = await storage.open(spareKeyName, { password })
  readBack?.close()
  await storage.remove(rootKeyName)
  await storage.create(rootKeyName, secret, { password })
  await storage.remove(spareKeyName)
}
