/** The vectors of doc/spec/13-configuration.md, section 6. */
import { readFileSync } from 'node:fs'
import { createNativeProvider } from '@blocktree/crypto/native'
import { describe, expect, test } from 'vitest'
import { openKeyFiles } from '../src/key-backup.ts'

interface Case {
  readonly comment: string
  readonly backup: string
  readonly passphrase: string
  readonly files: Readonly<Record<string, string>>
  readonly error: string
}

const crypto = createNativeProvider()
const page = new URL('../../../doc/spec/vectors/key-backups.json', import.meta.url)
const { groups }: { groups: Record<'accept' | 'refuse', readonly Case[]> } = JSON.parse(
  readFileSync(page, 'utf8')
)

describe('the vectors of key backups', () => {
  test.each(groups.accept)('opens: $comment', async ({ backup, passphrase, files }) => {
    const opened = await openKeyFiles(crypto, Uint8Array.fromHex(backup), passphrase)
    expect(Object.fromEntries([...opened].map(([name, bytes]) => [name, bytes.toHex()]))).toEqual(files)
  })

  test.each(groups.refuse)('refuses: $comment', async ({ backup, passphrase, error }) => {
    await expect(openKeyFiles(crypto, Uint8Array.fromHex(backup), passphrase)).rejects.toMatchObject({
      code: error
    })
  })
})
