/** Packages for runs of apps, from WebAssembly text. */
import { readFileSync } from 'node:fs'
import { type ManifestDraft, packApp } from '@blocktree/app-package'
import { createNativeProvider } from '@blocktree/crypto/native'
import wabt from 'wabt'
import { principalNamed } from '../src/founding.ts'

/** Answers each `GET /` with a number one higher, which it keeps. */
export const hits: string = readFileSync(new URL('../../../apps/hits/app.wat', import.meta.url), 'utf8')

/** As hits, and ends with a trap when it is sent anything else. */
export const trapping: string = hits.replace(
  '(then (return (call $reply (i32.const 48) (i32.const 9)))))',
  '(then (unreachable)))'
)

const draft: ManifestDraft = {
  name: 'hits',
  version: 1,
  versionText: '1.0.0',
  minUpgradableVersion: 0,
  permissions: [
    {
      name: 'web',
      scope: { kind: 'http-server', public: false, clientAddress: false },
      reason: 'Answers with the count',
      optional: false
    }
  ],
  limits: {},
  routes: [{ path: '/', target: { kind: 'app' } }],
  title: 'Hits',
  description: 'Counts the requests to its page.',
  licence: 'MIT',
  icon: undefined
}

export async function packText(text: string, changes: Partial<ManifestDraft> = {}): Promise<Uint8Array> {
  const toolkit = await wabt()
  const parsed = toolkit.parseWat('app.wat', text, { bulk_memory: true, mutable_globals: true })
  const crypto = createNativeProvider()
  const author = principalNamed(crypto, 'author of an app')
  return packApp(crypto, {
    draft: { ...draft, ...changes },
    module: parsed.toBinary({}).buffer,
    assets: new Map(),
    signer: { id: author.id, key: author.key },
    authorRecord: author.record.bytes
  })
}
