/** Grants of installations: signed by the owner, strict, and within what the package asks for. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  type AppGrant,
  checkGrantWithin,
  currentAppGrant,
  decodeAppGrant,
  effectiveLimits,
  missingPermissions,
  readPackage,
  signAppGrant,
  verifyAppGrant,
  verifyPrincipal
} from '@blocktree/app-package'
import { alice, crypto, mallory, pack, refusal } from './author-fixture.ts'

const opened = readPackage(crypto, pack())
const owner = verifyPrincipal(crypto, alice.record)
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

const grant: AppGrant = {
  appId: opened.appId,
  installation: filled(7),
  installedAs: 'my-notes',
  version: 3,
  releaseId: opened.releaseId,
  moduleHash: opened.manifest.module.sha256,
  permissions: [
    {
      name: 'data',
      scope: { kind: 'files', object: 'own', rights: ['read', 'write'] },
      object: undefined,
      asked: false
    },
    {
      name: 'photos',
      scope: { kind: 'files', object: 'folder', rights: ['read', 'list'] },
      object: { tree: filled(1), block: filled(2), path: '/photos' },
      asked: true
    }
  ],
  limits: { memoryBytes: 100 * 1024 * 1024 },
  time: 1_795_000_000_000,
  sequence: 1,
  revoked: false
}
const [data, photos] = grant.permissions

function sign(changes: Partial<AppGrant> = {}) {
  return signAppGrant(crypto, alice, { ...grant, ...changes })
}

describe('verifyAppGrant', () => {
  test('reads what the owner signed', () => {
    const { bytes, id } = sign()
    expect(verifyAppGrant(crypto, bytes, owner)).toMatchObject({ grant, signer: alice.id, id })
  })

  test('refuses what another principal signed, and a changed signature', () => {
    const foreign = signAppGrant(crypto, mallory, grant).bytes
    expect(refusal(() => verifyAppGrant(crypto, foreign, owner))).toBe('ERR_APP_GRANT_SIGNATURE')
    const changed = sign().bytes.slice()
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(refusal(() => verifyAppGrant(crypto, changed, owner))).toBe('ERR_APP_GRANT_SIGNATURE')
  })

  test('refuses a manifest in place of a grant', () => {
    expect(refusal(() => decodeAppGrant(crypto, opened.signedManifest))).toBe('ERR_PACKAGE_FORMAT_UNKNOWN')
  })

  test('refuses any damage with a PackageError', () => {
    const sound = sign().bytes
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = sound.slice()
        bytes[at] = (bytes[at] ?? 0) ^ change
        expect(refusal(() => verifyAppGrant(crypto, bytes, owner))).toMatch(/^ERR_/)
      }),
      { numRuns: 200 }
    )
  })
})

describe('signAppGrant', () => {
  if (data === undefined || photos === undefined) throw new Error('another fixture')

  test.each<[string, Partial<AppGrant>]>([
    ['a permission twice', { permissions: [data, data] }],
    ['permissions out of order', { permissions: [photos, data] }],
    ['a folder without an object', { permissions: [{ ...photos, object: undefined }] }],
    ['own files with an object', { permissions: [{ ...data, object: photos.object }] }],
    ['own files asked for at run time', { permissions: [{ ...data, asked: true }] }],
    ['a revoked grant that allows something', { revoked: true }],
    ['sequence 0', { sequence: 0 }]
  ])('refuses %s', (_what, changes) => {
    expect(refusal(() => sign(changes))).toBe('ERR_PACKAGE_FORMAT')
  })

  test('refuses a name that is no host name', () => {
    expect(refusal(() => sign({ installedAs: 'My.Notes' }))).toBe('ERR_PACKAGE_MANIFEST')
  })
})

describe('currentAppGrant', () => {
  test('takes the highest sequence, whatever the order', () => {
    const records = [1, 2, 3].map((sequence) => sign({ sequence }))
    expect(currentAppGrant(records)).toBe(records[2])
    expect(currentAppGrant(records.toReversed())).toBe(records[2])
    expect(currentAppGrant([])).toBeUndefined()
  })

  test('of two with one sequence a revocation wins, else the lower id', () => {
    const kept = sign({ sequence: 2 })
    const other = sign({ sequence: 2, time: 5 })
    const revoked = sign({ sequence: 2, revoked: true, permissions: [] })
    expect(currentAppGrant([kept, revoked])).toBe(revoked)
    expect(currentAppGrant([revoked, kept])).toBe(revoked)
    expect(currentAppGrant([kept, other])).toBe(currentAppGrant([other, kept]))
  })
})

describe('checkGrantWithin', () => {
  const { manifest } = opened

  test('allows a part of what is asked for, and what the person chose at run time', () => {
    expect(refusal(() => checkGrantWithin(grant, manifest))).toBe('accepted')
    expect(missingPermissions(grant, manifest).map(({ name }) => name)).toEqual(['web'])
  })

  test('refuses more rights, another permission and a higher limit', () => {
    if (data === undefined || photos === undefined) throw new Error('another fixture')
    const more = {
      ...data,
      scope: { kind: 'files' as const, object: 'own' as const, rights: ['remove' as const] }
    }
    const cases: Partial<AppGrant>[] = [
      { permissions: [more] },
      { permissions: [{ ...photos, asked: false }] },
      { limits: { memoryBytes: 200 * 1024 * 1024 } },
      { limits: { processes: 2 } }
    ]
    for (const changes of cases) {
      expect(refusal(() => checkGrantWithin({ ...grant, ...changes }, manifest))).toBe('ERR_APP_GRANT_WIDER')
    }
  })
})

test('effectiveLimits fills in the defaults', () => {
  expect(effectiveLimits(grant.limits)).toMatchObject({ memoryBytes: 100 * 1024 * 1024, invokeMs: 5000 })
})
