/** What permissions cover, and that narrower is narrower. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  type Permission,
  type PermissionScope,
  covers,
  coversAny,
  describeLimits,
  describePermission,
  difference,
  isWithin,
  matchOrigin,
  parseOrigin,
  readPackage
} from '@blocktree/app-package'
import { crypto, draft, pack, refusal } from './author-fixture.ts'

const client = (...origins: string[]): PermissionScope => ({ kind: 'http-client', origins })

describe('parseOrigin', () => {
  test.each([
    ['https://example.org', { scheme: 'https', host: 'example.org', port: 443 }],
    ['http://example.org:8080', { scheme: 'http', host: 'example.org', port: 8080 }],
    ['https://*.example.org', { scheme: 'https', host: '*.example.org', port: 443 }],
    ['https://*', { scheme: 'https', host: '*', port: 443 }],
    ['http://127.0.0.1', { scheme: 'http', host: '127.0.0.1', port: 80 }],
    ['http://[::1]:3000', { scheme: 'http', host: '[::1]', port: 3000 }]
  ])('reads %s', (text, origin) => {
    expect(parseOrigin(text)).toEqual(origin)
  })

  test.each([
    'https://example.org/',
    'https://example.org:443',
    'https://Example.org',
    'https://user@example.org',
    'https://ex*mple.org',
    'https://*.*.org',
    'https://example.org:99999',
    'https://example.org:0',
    'ftp://example.org',
    '//example.org',
    'https://',
    'https://exa mple.org',
    'https://127.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://127.0.0.1.',
    'https://a.0x1',
    'https://*.1.1',
    'https://[::0001]',
    'https://[::ffff:127.0.0.1]',
    'https://münchen.de',
    'https://-a.de',
    'https://a..de',
    'https://a.de\n'
  ])('refuses %j', (text) => {
    expect(refusal(() => parseOrigin(text))).toBe('ERR_PACKAGE_PERMISSION')
  })
})

describe('matchOrigin', () => {
  test.each([
    ['https://example.org', 'https://example.org', 'literal'],
    ['https://example.org', 'https://www.example.org', undefined],
    ['https://example.org', 'http://example.org', undefined],
    ['https://example.org', 'https://example.org:8443', undefined],
    ['https://*.example.org', 'https://www.example.org', 'pattern'],
    ['https://*.example.org', 'https://example.org', undefined],
    ['https://*.example.org', 'https://evilexample.org', undefined],
    ['https://*', 'https://169.254.169.254', 'pattern'],
    ['http://127.0.0.1', 'http://127.0.0.1', 'literal']
  ])('%s and %s: %s', (pattern, origin, match) => {
    expect(matchOrigin(pattern, parseOrigin(origin))).toBe(match)
  })
})

describe('covers', () => {
  const folder: PermissionScope = { kind: 'files', object: 'folder', rights: ['read', 'list'] }

  test('a files permission: its own name, and the rights it has', () => {
    expect(covers('photos', folder, { kind: 'files', name: 'photos', right: 'read' })).toBe('literal')
    expect(covers('photos', folder, { kind: 'files', name: 'photos', right: 'write' })).toBeUndefined()
    expect(covers('photos', folder, { kind: 'files', name: 'data', right: 'read' })).toBeUndefined()
  })

  test('messages: named apps, other nodes only where allowed', () => {
    const scope: PermissionScope = { kind: 'messages', send: ['files'], receive: false, otherNodes: false }
    const out = { kind: 'message-out', app: 'files', otherNode: false } as const
    expect(covers('m', scope, out)).toBe('literal')
    expect(covers('m', scope, { ...out, otherNode: true })).toBeUndefined()
    expect(covers('m', scope, { ...out, app: 'other' })).toBeUndefined()
    expect(covers('m', { ...scope, send: ['*'] }, { ...out, app: 'other' })).toBe('pattern')
    expect(covers('m', scope, { kind: 'message-in', otherNode: false })).toBeUndefined()
  })

  test('HTTP requests: a literal origin wins over a pattern', () => {
    const use = { kind: 'http-client', origin: parseOrigin('https://a.example.org') } as const
    expect(covers('h', client('https://*', 'https://a.example.org'), use)).toBe('literal')
    expect(covers('h', client('https://*'), use)).toBe('pattern')
    expect(covers('h', client('https://b.example.org'), use)).toBeUndefined()
    expect(covers('photos', folder, use)).toBeUndefined()
  })

  test('sockets: kind, host and port', () => {
    const scope: PermissionScope = {
      kind: 'sockets',
      socket: 'tcp-connect',
      host: '*.example.org',
      portFirst: 5000,
      portLast: 5010
    }
    const use = { kind: 'sockets', socket: 'tcp-connect', host: 'a.example.org', port: 5010 } as const
    expect(covers('s', scope, use)).toBe('pattern')
    expect(covers('s', scope, { ...use, port: 5011 })).toBeUndefined()
    expect(covers('s', scope, { ...use, socket: 'udp' })).toBeUndefined()
    expect(covers('s', scope, { ...use, host: '10.0.0.1' })).toBeUndefined()
  })

  test('over several permissions the best answer counts', () => {
    const granted = [
      { name: 'any', scope: client('https://*') },
      { name: 'one', scope: client('https://a.example.org') }
    ]
    const use = { kind: 'http-client', origin: parseOrigin('https://a.example.org') } as const
    expect(coversAny(granted, use)).toBe('literal')
    expect(coversAny(granted.slice(0, 1), use)).toBe('pattern')
    expect(coversAny([], use)).toBeUndefined()
  })
})

describe('isWithin', () => {
  test('a host that stands literally is not within a pattern: it would reach private addresses', () => {
    expect(isWithin(client('https://10.0.0.1'), client('https://*'))).toBe(false)
    expect(isWithin(client('https://*.a.org'), client('https://*'))).toBe(true)
    expect(isWithin(client('https://*.b.a.org'), client('https://*.a.org'))).toBe(true)
    expect(isWithin(client('https://*'), client('https://*.a.org'))).toBe(false)
  })

  const hosts = ['a.org', 'b.a.org', '*.a.org', '*.b.a.org', '*', '10.0.0.1']
  const scope: fc.Arbitrary<PermissionScope> = fc.oneof(
    fc.record({
      kind: fc.constant('files' as const),
      object: fc.constant('folder' as const),
      rights: fc.subarray(['read', 'write', 'list'] as const, { minLength: 1 })
    }),
    fc.record({
      kind: fc.constant('messages' as const),
      send: fc.subarray(['*', 'a', 'b']),
      receive: fc.boolean(),
      otherNodes: fc.boolean()
    }),
    fc.subarray(hosts, { minLength: 1 }).map((some) => client(...some.map((host) => `https://${host}`))),
    fc.record({
      kind: fc.constant('sockets' as const),
      socket: fc.constantFrom('tcp-connect' as const, 'udp' as const),
      host: fc.constantFrom(...hosts),
      portFirst: fc.integer({ min: 1, max: 3 }),
      portLast: fc.integer({ min: 3, max: 6 })
    })
  )
  const use = fc.oneof(
    fc.record({
      kind: fc.constant('files' as const),
      name: fc.constant('x'),
      right: fc.constantFrom('read' as const, 'write' as const, 'list' as const)
    }),
    fc.record({
      kind: fc.constant('message-out' as const),
      app: fc.constantFrom('a', 'b', 'c'),
      otherNode: fc.boolean()
    }),
    fc.record({
      kind: fc.constant('http-client' as const),
      origin: fc
        .constantFrom('a.org', 'b.a.org', 'c.b.a.org', '10.0.0.1')
        .map((host) => parseOrigin(`https://${host}`))
    }),
    fc.record({
      kind: fc.constant('sockets' as const),
      socket: fc.constantFrom('tcp-connect' as const, 'udp' as const),
      host: fc.constantFrom('a.org', 'b.a.org', '10.0.0.1'),
      port: fc.integer({ min: 1, max: 6 })
    })
  )

  test('what the inner one covers the outer one covers as strongly', () => {
    fc.assert(
      fc.property(scope, scope, use, (inner, outer, one) => {
        fc.pre(isWithin(inner, outer))
        const match = covers('x', inner, one)
        if (match === undefined) return
        expect(covers('x', outer, one)).toBeDefined()
        if (match === 'literal' && one.kind !== 'message-out') expect(covers('x', outer, one)).toBe('literal')
      }),
      { numRuns: 2000 }
    )
  })

  test('everything is within itself', () => {
    fc.assert(fc.property(scope, (one) => isWithin(one, one)))
  })
})

describe('describePermission', () => {
  test.each<[PermissionScope, string]>([
    [
      { kind: 'files', object: 'folder', rights: ['read', 'write'] },
      'May read and change files in a folder that you choose'
    ],
    [{ kind: 'files', object: 'file', rights: ['read'] }, 'May read a file that you choose'],
    [client('https://a.org'), 'May contact https://a.org'],
    [client('https://*'), 'May contact any server on the internet (https://*)'],
    [
      { kind: 'messages', send: ['files'], receive: true, otherNodes: false },
      'May send messages to "files" and receive messages from apps on this node'
    ],
    [
      { kind: 'http-server', public: true, clientAddress: true },
      'Answers web requests and may be reached by everybody who reaches this node, and learns the addresses of its visitors'
    ],
    [
      { kind: 'sockets', socket: 'tcp-connect', host: '*', portFirst: 1, portLast: 9 },
      'May open network connections to any machine, ports 1 to 9'
    ]
  ])('%j', (scope, sentence) => {
    expect(describePermission(scope)).toBe(sentence)
  })

  test('limits are told only above their defaults', () => {
    expect(describeLimits({ memoryBytes: 1024, invokeMs: 60_000, openFiles: 512 })).toEqual([
      'May use up to 60 s of time per event (5 s is usual)',
      'May use up to 512 open files (64 is usual)'
    ])
  })
})

describe('difference', () => {
  const manifest = readPackage(crypto, pack()).manifest
  const extra: Permission = {
    name: 'weather',
    scope: client('https://a.org'),
    reason: 'Shows the weather',
    optional: true
  }

  test('finds nothing between equals, and needs no consent for less', () => {
    expect(difference(manifest, manifest).needsConsent).toBe(false)
    const less = { ...manifest, permissions: manifest.permissions.slice(1), limits: {} }
    expect(difference(manifest, less)).toMatchObject({
      needsConsent: false,
      removed: [{ name: 'data' }],
      limits: []
    })
  })

  test('shows what is new, what is wider and which limits rise', () => {
    const [data, web] = manifest.permissions
    if (data?.scope.kind !== 'files' || web === undefined) throw new Error('another fixture')
    const wider = { ...data, scope: { ...data.scope, rights: [...data.scope.rights, 'remove' as const] } }
    const more = {
      ...manifest,
      permissions: [wider, extra, web],
      limits: { ...draft.limits, invokeMs: 9000 },
      routes: [...manifest.routes, { path: '/new', target: { kind: 'app' as const } }]
    }
    expect(difference(manifest, more)).toMatchObject({
      needsConsent: true,
      added: [{ name: 'weather' }],
      changed: [{ after: { name: 'data' } }],
      limits: [{ name: 'invokeMs', before: 5000, after: 9000 }],
      routes: ['/new']
    })
  })
})
