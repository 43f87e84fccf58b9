import { expect, test } from 'vitest'
import { readLimits } from '../limits-document.ts'

test('takes each number with the reason beside or above it and leaves out what is no number', () => {
  const source = [
    'export const nearMax = 7 // beside',
    '/** Above, on',
    ' * two lines. */',
    'export const farMax: number = 8',
    'export const bareMax = 9',
    "export const text = 'x' // not a limit",
    'const hidden = 3 // not exported'
  ].join('\n')
  expect(readLimits(source, { nearMax: 7, farMax: 8, bareMax: 9, text: 'x' })).toEqual([
    { name: 'nearMax', value: 7, reason: 'beside' },
    { name: 'farMax', value: 8, reason: 'Above, on two lines.' },
    { name: 'bareMax', value: 9, reason: '' }
  ])
})
