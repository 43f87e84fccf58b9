/** The key of an app's author: a key file of its own, which needs no node. What it signed is all that a package shows. */
import type { AppSigner } from '@blocktree/app-package'
import { formatId } from '@blocktree/codec'
import { type CryptoProvider, createPrincipalSecret } from '@blocktree/crypto'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createPrincipal } from '@blocktree/tree'
import { chooseCrypto } from './choose-crypto.ts'

export interface Author {
  readonly crypto: CryptoProvider
  readonly signer: AppSigner
  /** The signer's id as text. */
  readonly id: string
  /** Envelope of its principal record, which every package carries. */
  readonly record: Uint8Array
  /** True when the key was made by this call. */
  readonly isNew: boolean
  /** Wipes the key. */
  close(): void
}

export interface AuthorOptions {
  /** Folder of key files; made with mode 0700 when it is absent. */
  readonly folder: string
  readonly name: string
}

/** Opens the author's key, and makes it first where there is none. @throws CryptoError as key files do */
export async function openAuthor({ folder, name }: AuthorOptions): Promise<Author> {
  const crypto = await loadCrypto()
  const keys = createKeyFileStorage({ folder, crypto })
  const found = await keys.open(name)
  const secret = found ?? createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32))
  try {
    if (found === undefined) await keys.create(name, secret)
    const principal = createPrincipal(crypto, secret)
    const { id, key, record } = principal
    return {
      crypto,
      signer: { id, key },
      id: formatId(id),
      record: record.bytes,
      isNew: found === undefined,
      close: () => principal.close()
    }
  } finally {
    secret.close()
  }
}

/** What packages are verified with where no node is. */
export async function loadCrypto(): Promise<CryptoProvider> {
  return await chooseCrypto('auto')
}
