import { describe, expect, test } from 'vitest'
import { RecentPlaces } from '../src/recent-places.ts'

describe('RecentPlaces', () => {
  test('gives back what was added under the same level and index', () => {
    const places = new RecentPlaces<string>(3)
    places.add(0, 1, 'leaf')
    places.add(1, 1, 'node')
    expect([places.get(0, 1), places.get(1, 1), places.get(1, 0)]).toEqual(['leaf', 'node', undefined])
  })

  test('forgets what was not used for longest', () => {
    const places = new RecentPlaces<string>(3)
    for (const [index, value] of ['a', 'b', 'c'].entries()) places.add(0, index, value)
    expect(places.get(0, 0)).toBe('a')
    places.add(0, 3, 'd')
    expect([0, 1, 2, 3].map((index) => places.get(0, index))).toEqual(['a', undefined, 'c', 'd'])
    places.add(0, 4, 'e')
    expect(places.get(0, 0)).toBeUndefined()
  })

  test('keeps the last alone when there is room for one', () => {
    const places = new RecentPlaces<string>(1)
    places.add(0, 0, 'a')
    places.add(0, 1, 'b')
    expect([places.get(0, 0), places.get(0, 1)]).toEqual([undefined, 'b'])
  })
})
