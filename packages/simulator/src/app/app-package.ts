/**
 * A package, judged and made ready before virtual time begins: work on threads would take real time, in which a run
 * could go another way.
 */
import { type VerifiedPackage, effectiveLimits } from '@blocktree/app-package'
import { verifyPackage } from '@blocktree/node/verify-package'
import type { CryptoProvider } from '@blocktree/crypto'
import { clampRunLimits, prepareModule } from '@blocktree/sandbox/memory'

export interface ReadyPackage {
  readonly bytes: Uint8Array
  readonly found: VerifiedPackage
  /** The module with fuel. */
  readonly instrumentedModule: Uint8Array
}

/** @throws PackageError, ERR_APP_MODULE */
export async function readyPackage(crypto: CryptoProvider, bytes: Uint8Array): Promise<ReadyPackage> {
  const found = await verifyPackage(crypto, bytes)
  const { manifest, module } = found
  const limits = clampRunLimits(effectiveLimits(manifest.limits))
  const instrumentedModule = await prepareModule({ name: manifest.name, module }, 'v8', limits)
  return { bytes, found, instrumentedModule }
}
