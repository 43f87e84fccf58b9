/** app.json as an author writes it, mistakes included. */
import { describe, expect, test } from 'vitest'
import { parseManifestSource } from '@blocktree/app-package'
import { pack, refusal } from './author-fixture.ts'

const source = {
  name: 'notes',
  version: 1,
  title: 'Notes',
  description: 'Short texts',
  licence: 'MIT',
  module: 'build/app.wasm',
  assets: 'assets',
  permissions: [
    { name: 'web', kind: 'http-server', reason: 'Shows its page' },
    { name: 'data', kind: 'files', object: 'own', rights: ['list', 'read'], reason: 'Keeps notes' }
  ],
  limits: { invokeMs: 1000 },
  routes: [{ path: '/api/' }, { path: '/', assets: 'web', index: 'index.html' }]
}

function parse(changes: object = {}) {
  return parseManifestSource(JSON.stringify({ ...source, ...changes }))
}

describe('parseManifestSource', () => {
  test('gives what packApp takes, in its order', () => {
    const { draft, module, assets, build } = parse()
    expect({ module, assets, build }).toEqual({
      module: 'build/app.wasm',
      assets: 'assets',
      build: undefined
    })
    expect(draft.permissions.map(({ name }) => name)).toEqual(['data', 'web'])
    expect(draft.permissions[0]?.scope).toEqual({ kind: 'files', object: 'own', rights: ['read', 'list'] })
    expect(draft.routes.map(({ path }) => path)).toEqual(['/', '/api/'])
    expect(refusal(() => pack(draft))).toBe('accepted')
  })

  test.each<[string, object, RegExp]>([
    ['a field that nobody knows', { permisions: [] }, /permisions is not a field/],
    ['a missing field', { title: undefined }, /title is missing/],
    ['a text for a number', { version: '1' }, /version is not a whole number/],
    ['a fraction', { version: 1.5 }, /version is not a whole number/],
    ['an unknown limit', { limits: { memory: 1 } }, /memory is not a limit/],
    ['an unknown kind', { permissions: [{ name: 'a', reason: 'b', kind: 'root' }] }, /"root" is not/],
    [
      'an unknown right',
      { permissions: [{ name: 'data', reason: 'b', kind: 'files', object: 'own', rights: ['own'] }] },
      /"own" is not one of read/
    ],
    [
      'a permission without a reason',
      { permissions: [{ name: 'a', kind: 'http-server' }] },
      /reason is missing/
    ],
    ['an unknown field of a route', { routes: [{ path: '/', asset: 'web' }] }, /asset is not a field/],
    ['a list for an object', { limits: [] }, /limits is not an object/]
  ])('refuses %s', (_what, changes, message) => {
    expect(() => parse(changes)).toThrow(message)
    expect(refusal(() => parse(changes))).toBe('ERR_PACKAGE_SOURCE')
  })

  test('refuses what is not JSON', () => {
    expect(refusal(() => parseManifestSource('{'))).toBe('ERR_PACKAGE_SOURCE')
    expect(refusal(() => parseManifestSource('null'))).toBe('ERR_PACKAGE_SOURCE')
  })

  test('takes __proto__ for a field that nobody knows', () => {
    const text = JSON.stringify(source).replace('{', '{"__proto__":{"title":"x"},')
    expect(refusal(() => parseManifestSource(text))).toBe('ERR_PACKAGE_SOURCE')
  })
})
