/** Which route answers a path. */
import { describe, expect, test } from 'vitest'
import { type Route, assetOfPath, matchRoute } from '@blocktree/app-package'

const routes: Route[] = [
  { path: '/', target: { kind: 'assets', directory: 'web', index: 'index.html' } },
  { path: '/api/', target: { kind: 'app' } },
  { path: '/api/static/', target: { kind: 'assets', directory: '', index: undefined } },
  { path: '/health', target: { kind: 'app' } }
]

describe('matchRoute', () => {
  test.each([
    ['/', '/'],
    ['/style.css', '/'],
    ['/api/', '/api/'],
    ['/api/notes/1', '/api/'],
    ['/api', '/'],
    ['/api/static/x', '/api/static/'],
    ['/health', '/health'],
    ['/health/x', '/'],
    ['/healthy', '/']
  ])('%s is answered by %s', (path, route) => {
    expect(matchRoute(routes, path)?.path).toBe(route)
  })

  test('gives nothing for a path that no route covers', () => {
    expect(matchRoute(routes.slice(1), '/style.css')).toBeUndefined()
  })
})

describe('assetOfPath', () => {
  test.each([
    ['/', 'web/index.html'],
    ['/style.css', 'web/style.css'],
    ['/sub/', 'web/sub/index.html'],
    ['/api/static/a/b.js', 'a/b.js'],
    ['/api/static/', undefined],
    ['/api/notes', undefined]
  ])('%s is the file %s', (path, file) => {
    const route = matchRoute(routes, path)
    expect(route === undefined ? undefined : assetOfPath(route, path)).toBe(file)
  })
})
