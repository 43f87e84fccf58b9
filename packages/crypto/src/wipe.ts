/** Overwrites a secret in place. Copies that the runtime made earlier (moved strings, swapped pages) are out of reach. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0)
}
