import { expect, test } from 'vitest'
import { LandingPlaces } from '../src/landing-places.ts'

const mebibyte = 1 << 20

test('places do not overlap until they are given back', () => {
  const places = new LandingPlaces()
  const taken = Array.from({ length: 40 }, (_, index) => places.take(700 * 1024).fill(index))
  for (const [index, place] of taken.entries()) {
    expect(place).toHaveLength(700 * 1024)
    expect(place.every((byte) => byte === index)).toBe(true)
  }
})

test('a buffer is used again when all its places were given back, and not before', () => {
  const places = new LandingPlaces()
  const first = Array.from({ length: 4 }, () => places.take(mebibyte))
  const memory = first[0]?.buffer
  const next = places.take(mebibyte)
  expect(next.buffer).not.toBe(memory)
  for (const place of first.slice(1)) places.giveBack(place)
  const beside = Array.from({ length: 4 }, () => places.take(mebibyte).buffer)
  expect(beside).not.toContain(memory)
  for (const place of first.slice(0, 1)) places.giveBack(place)
  const later = Array.from({ length: 4 }, () => places.take(mebibyte).buffer)
  expect(later).toContain(memory)
})

test('what one stream leaves open keeps its bytes while others come and go', () => {
  const places = new LandingPlaces()
  const open = places.take(1000).fill(7)
  for (let round = 0; round < 30; round++) places.giveBack(places.take(mebibyte).fill(round))
  expect(open.every((byte) => byte === 7)).toBe(true)
})

test('after clear no memory is kept but what is in use', () => {
  const places = new LandingPlaces()
  const open = places.take(1000).fill(7)
  const others = Array.from({ length: 8 }, () => places.take(mebibyte))
  for (const place of others) places.giveBack(place)
  places.clear()
  expect(others.map(({ buffer }) => buffer)).not.toContain(places.take(4 * mebibyte).buffer)
  expect(open.every((byte) => byte === 7)).toBe(true)
})
