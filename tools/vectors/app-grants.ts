/** Vectors of doc/spec/18-app-grants.md: records, which of them counts, and what is within what. */
import { encodeEnvelope, signInput } from '@blocktree/codec'
import * as app from '@blocktree/app-package'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { type SeededPrincipal, crypto, device, filled, reader, root } from '../vector-tree.ts'
import { type Edit, type Value, decodeValue, editBytes } from '../vector-value.ts'
import { samplePackage, shown } from './app-package.ts'

const opened = app.readPackage(crypto, samplePackage())
const owner = app.verifyPrincipal(crypto, root.record.bytes)

const grant: app.AppGrant = {
  appId: opened.appId,
  installation: reader.id,
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
      object: { tree: filled(32, 1), block: filled(32, 2), path: '/photos' },
      asked: true
    },
    {
      name: 'weather',
      scope: { kind: 'http-client', origins: ['https://*.example.org'] },
      object: undefined,
      asked: false
    }
  ],
  limits: { memoryBytes: 100_000_000 },
  time: 1_795_000_000_000,
  sequence: 2,
  revoked: false
}

export function generateVectors(): VectorPage {
  return {
    name: 'app-grants',
    specification: 'doc/spec/18-app-grants.md',
    comment:
      'accept: the `bytes` of a record, its body in plain values (byte strings as `{"bin": hex}`), its `signer` and `recordId`. ' +
      'refuse: not a grant of the owner `owner` (a principal record); `error` is the code of this implementation. ' +
      'current: of `records` the one at the index `counts`. within: whether a grant of the scope `inner` is within a manifest that asks for ' +
      '`outer`; names of kinds, objects and rights stand for their codes.',
    groups: {
      owner: [{ comment: 'the principal record of the owner', bytes: hex(root.record.bytes) }],
      accept: acceptCases(),
      refuse: refuseCases(),
      current: currentCases(),
      within: withinCases()
    }
  }
}

function signed(changes: Partial<app.AppGrant> = {}): app.SignedAppGrant {
  return app.signAppGrant(crypto, root, { ...grant, ...changes })
}

function acceptCases(): VectorCase[] {
  const cases: readonly [string, Partial<app.AppGrant>][] = [
    ['own files, a folder that was chosen, one origin', {}],
    ['nothing is granted', { permissions: [], limits: {}, sequence: 1 }],
    ['revoked', { permissions: [], limits: {}, sequence: 3, revoked: true }]
  ]
  return cases.map(([comment, changes]) => {
    const { bytes, id, signer } = signed(changes)
    return {
      comment,
      bytes: hex(bytes),
      body: shown(decodeValue(bodyOf(bytes))),
      signer: hex(signer),
      recordId: hex(id)
    }
  })
}

function bodyOf(bytes: Uint8Array): Uint8Array {
  const envelope = decodeValue(bytes)
  const body: Value | undefined = Array.isArray(envelope) ? (envelope as readonly Value[])[4] : undefined
  if (body instanceof Uint8Array) return body
  throw new Error('no body')
}

function sign(signer: SeededPrincipal, body: Uint8Array, type = 33, format = 1): Uint8Array {
  const unsigned = { type, format, signer: signer.id, body }
  return encodeEnvelope({ ...unsigned, signature: signer.key.sign(signInput(unsigned)) })
}

function refuseCases(): VectorCase[] {
  const { bytes } = signed()
  const body = bodyOf(bytes)
  const changed = bytes.slice()
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  const edits: readonly [string, readonly number[], Value | Edit][] = [
    ['a name that is no host name', [2], 'my.notes'],
    ['version 0', [3], 0],
    ['a permission twice', [6, 1, 0], 'data'],
    ['own files that were asked for at run time', [6, 0, 1], true],
    ['own files with an object', [6, 0, 4], [filled(32, 1), filled(32, 2), '/']],
    ['a folder without an object', [6, 1, 4], null],
    ['an origin that was asked for at run time', [6, 2, 1], true],
    ['an unknown limit', [7, 0, 0], 99],
    ['sequence 0', [9], 0],
    ['revoked, and something is allowed', [10], true]
  ]
  const cases: readonly [string, Uint8Array][] = [
    ['signed by another principal', sign(device, body)],
    ['a changed signature', changed],
    ['a record of type 32', sign(root, body, 32)],
    ['a record of format 2', sign(root, body, 33, 2)],
    ...edits.map(([comment, path, edit]): [string, Uint8Array] => [
      comment,
      sign(root, editBytes(body, path, edit))
    ])
  ]
  return cases.map(([comment, bytes]) => ({ comment, bytes: hex(bytes), error: refusal(bytes) }))
}

function currentCases(): VectorCase[] {
  const first = signed({ sequence: 1 })
  const second = signed()
  const rival = signed({ time: 5 })
  const revoked = signed({ permissions: [], limits: {}, revoked: true })
  const cases: readonly [string, readonly app.SignedAppGrant[]][] = [
    ['the highest sequence', [first, second]],
    ['of two with one sequence the lower record id', [second, rival]],
    ['of two with one sequence the revoked one', [second, revoked, rival]]
  ]
  return cases.map(([comment, records]) => {
    const current = app.currentAppGrant(records)
    return {
      comment,
      records: records.map(({ bytes }) => hex(bytes)),
      counts: records.findIndex((record) => record === current)
    }
  })
}

function withinCases(): VectorCase[] {
  const client = (host: string): app.PermissionScope => ({
    kind: 'http-client',
    origins: [`https://${host}`]
  })
  const folder = (...rights: app.FileRight[]): app.PermissionScope => ({
    kind: 'files',
    object: 'folder',
    rights
  })
  const cases: readonly [string, app.PermissionScope, app.PermissionScope][] = [
    ['fewer rights', folder('read'), folder('read', 'write')],
    ['another right', folder('lock'), folder('read', 'write')],
    ['a file for a folder', { kind: 'files', object: 'file', rights: ['read'] }, folder('read')],
    ['the same host', client('a.org'), client('a.org')],
    ['a literal host in a pattern', client('b.a.org'), client('*.a.org')],
    ['a literal address in a pattern', client('10.0.0.1'), client('*')],
    ['a narrower pattern', client('*.b.a.org'), client('*.a.org')],
    ['a wider pattern', client('*'), client('*.a.org')],
    ['another kind', folder('read'), client('a.org')]
  ]
  return cases.map(([comment, inner, outer]) => ({
    comment,
    inner: { ...inner },
    outer: { ...outer },
    within: app.isWithin(inner, outer)
  }))
}

function refusal(bytes: Uint8Array): string {
  try {
    app.verifyAppGrant(crypto, bytes, owner)
  } catch (error) {
    if (error instanceof app.PackageError) return error.code
    throw error
  }
  throw new Error('a case that must be refused was accepted')
}
