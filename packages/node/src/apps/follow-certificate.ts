/** A certificate that was renewed is used without a new start: its files are looked at from time to time. */
import { type StatsListener, unwatchFile, watchFile } from 'node:fs'
import type { CertificateFiles } from '@blocktree/gateway'

const lookMs = 30_000 // a renewal comes weeks before the end of the one before

/**
 * @param reload called after one of the files changed; certificate and key may be written one after the other, so that
 * the first call of two may find that they do not match
 * @returns a function that ends it
 */
export function followCertificate(
  { certificate, key }: CertificateFiles,
  reload: () => void,
  intervalMs: number = lookMs
): () => void {
  const onLook: StatsListener = (now, before) => {
    const isChanged = now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino
    if (isChanged && now.nlink > 0) reload()
  }
  for (const file of [certificate, key]) watchFile(file, { interval: intervalMs, persistent: false }, onLook)
  return () => {
    for (const file of [certificate, key]) unwatchFile(file, onLook)
  }
}
