import type { Candidate } from '@blocktree/cluster'
import { formatId } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { fingerprintText } from '../../src/fingerprint.ts'
import { chooseCandidate } from '../../src/methods/cluster-methods.ts'

const awaited = new Uint8Array(32).fill(1)
const thief = new Uint8Array(32).fill(2)

function candidate(principal: Uint8Array, claimedName: string): Candidate {
  return {
    principal,
    claimedName,
    line: '',
    invitation: {
      path: '/',
      read: true,
      rights: 0,
      isApproved: false,
      name: '',
      id: new Uint8Array(8),
      secret: new Uint8Array(16),
      createdMs: 0,
      expiresMs: 1,
      failures: 0,
      usedBy: undefined,
      decision: undefined
    }
  }
}

describe('choosing who is let in', () => {
  test('takes an id, a fingerprint or a name that only one has', () => {
    const all = [candidate(awaited, 'laptop'), candidate(thief, 'other')]
    for (const text of [formatId(awaited), fingerprintText(awaited), 'laptop'])
      expect(chooseCandidate(all, text).principal).toBe(awaited)
  })

  test('never takes a name for a fingerprint: a thief of the code may call itself as the awaited node shows itself', () => {
    const claims = [candidate(thief, fingerprintText(awaited)), candidate(thief, formatId(awaited))]
    for (const text of [fingerprintText(awaited), formatId(awaited)]) {
      expect(() => chooseCandidate(claims, text)).toThrow('waits to join')
      expect(chooseCandidate([...claims, candidate(awaited, 'laptop')], text).principal).toBe(awaited)
    }
  })

  test('refuses a name that two have', () => {
    const all = [candidate(awaited, 'laptop'), candidate(thief, 'laptop')]
    expect(() => chooseCandidate(all, 'laptop')).toThrow('say the fingerprint')
  })
})
