/** A package as a node takes it: signature and hashes hold, and the module is one that a sandbox can run. */
import { type VerifiedPackage, effectiveLimits, readPackage } from '@blocktree/app-package'
import type { CryptoProvider } from '@blocktree/crypto'
import { checkModuleApart } from '@blocktree/sandbox/module-thread'
import { modulePolicyDefault } from '@blocktree/wasm-module'
import { NodeError } from './node-error.ts'

const wasmPageBytes = 65_536

/** @throws PackageError, and ERR_APP_MODULE with the first refusal in words and all of them as data */
export async function verifyPackage(crypto: CryptoProvider, bytes: Uint8Array): Promise<VerifiedPackage> {
  const found = readPackage(crypto, bytes)
  await expectModule(found)
  return found
}

async function expectModule({ module, manifest }: VerifiedPackage): Promise<void> {
  const { moduleBytes, memoryBytes, tableElements } = effectiveLimits(manifest.limits)
  const refusals = await checkModuleApart(module, {
    ...modulePolicyDefault,
    moduleBytes,
    memoryPages: Math.floor(memoryBytes / wasmPageBytes),
    tableEntries: tableElements
  })
  const [first] = refusals
  if (first === undefined) return
  throw new NodeError(
    'ERR_APP_MODULE',
    `the module of "${manifest.name}" is refused: ${first.found}; allowed: ${first.limit}; ${first.remedy}`,
    { data: { refusals } }
  )
}
