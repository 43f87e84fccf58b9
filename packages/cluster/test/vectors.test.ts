/** doc/spec/vectors/cluster.json, made from the page, against the package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openHello } from '../src/hello.ts'
import { fingerprintOf, formatInvitationCode, parseInvitationCode } from '../src/invitation-code.ts'
import {
  type Channel,
  invitationId,
  isJoinRequestProven,
  openJoinAnswer,
  openJoinRequest,
  sealJoinAnswer,
  sealJoinRequest
} from '../src/join-message.ts'
import { decodeMessage, encodeMessage } from '../src/message.ts'
import { crypto } from './principals.ts'

interface Proof {
  readonly comment: string
  readonly bytes: string
  readonly secret: string
  readonly joinerKey: string
  readonly inviterKey: string
  readonly joiner: string
  readonly inviter: string
}

interface Refused {
  readonly error: string
}

interface HelloCase {
  readonly comment: string
  readonly bytes: string
  readonly remoteKey: string
  readonly nowMs: number
}

interface SaidHello {
  readonly principal: string
  readonly sequence: number
  readonly clockMs: number
  readonly trees: readonly (readonly [string, readonly string[]])[]
  readonly features: readonly string[]
  readonly purpose: number
}

interface CodeCase {
  readonly comment: string
  readonly text: string
  readonly typed?: string
  readonly secret: string
  readonly transportKey: string
  readonly inviter: string
  readonly tree: string
  readonly fingerprint: string
  readonly addresses: readonly string[]
}

interface MessageCase {
  readonly comment: string
  readonly bytes: string
  readonly tree: string
  readonly fromApp: string | null
  readonly toApp: string | null
  readonly topic: string
  readonly content: string
  readonly number: number
  readonly replyWithinMs: number | null
  readonly inReplyTo: number | null
}

interface Groups {
  readonly hellos: readonly (HelloCase & SaidHello)[]
  readonly refuseHellos: readonly (HelloCase & Refused)[]
  readonly codes: readonly CodeCase[]
  readonly refuseCodes: readonly { readonly comment: string; readonly text: string }[]
  readonly joinRequests: readonly (Proof & {
    readonly invitation: string
    readonly line: string
    readonly name: string
  })[]
  readonly refuseJoinRequests: readonly (Proof & Refused)[]
  readonly joinAnswers: readonly (Proof & {
    readonly state: 0 | 1 | 2
    readonly tree: string
    readonly reason: string
  })[]
  readonly refuseJoinAnswers: readonly (Proof & Refused)[]
  readonly messages: readonly MessageCase[]
  readonly refuseMessages: readonly { readonly comment: string; readonly bytes: string }[]
}

const file = join(import.meta.dirname, '../../../doc/spec/vectors/cluster.json')
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as { readonly groups: Groups }
const from = (text: string): Uint8Array => Uint8Array.fromHex(text)

function channelOf({ joinerKey, inviterKey, joiner, inviter }: Proof): Channel {
  return {
    joinerKey: from(joinerKey),
    inviterKey: from(inviterKey),
    joiner: from(joiner),
    inviter: from(inviter)
  }
}

describe('hellos', () => {
  test.for(groups.hellos)('are read: $comment', (hello) => {
    const said = openHello(crypto, from(hello.bytes), {
      remoteKey: from(hello.remoteKey),
      nowMs: hello.nowMs
    })
    expect({
      principal: said.principal.signer.toHex(),
      sequence: said.endpoint.body.sequence,
      clockMs: said.clockMs,
      trees: said.trees.map(({ tree, caps }) => [tree.toHex(), caps.map((cap) => cap.toHex())]),
      features: said.features,
      purpose: said.purpose
    }).toEqual({
      principal: hello.principal,
      sequence: hello.sequence,
      clockMs: hello.clockMs,
      trees: hello.trees,
      features: hello.features,
      purpose: hello.purpose
    })
  })

  test.for(groups.refuseHellos)('are refused: $comment', ({ bytes, remoteKey, nowMs, error }) => {
    const open = (): unknown => openHello(crypto, from(bytes), { remoteKey: from(remoteKey), nowMs })
    expect(open).toThrow(expect.objectContaining({ code: error }))
  })
})

describe('invitation codes', () => {
  test.for(groups.codes)('are written and read: $comment', (code) => {
    const { secret, transportKey, inviter, tree, fingerprint, addresses } = code
    expect(fingerprintOf(crypto, from(inviter), from(tree)).toHex()).toBe(fingerprint)
    const fields = {
      secret: from(secret),
      transportKey: from(transportKey),
      fingerprint: from(fingerprint),
      addresses
    }
    expect(formatInvitationCode(crypto, fields)).toBe(code.text)
    expect(parseInvitationCode(crypto, code.typed ?? code.text)).toEqual(fields)
  })

  test.for(groups.refuseCodes)('are refused: $comment', ({ text }) => {
    const read = (): unknown => parseInvitationCode(crypto, text)
    expect(read).toThrow(expect.objectContaining({ code: 'ERR_INVITATION_CODE' }))
  })
})

describe('requests to join', () => {
  test.for(groups.joinRequests)('are written, read and proven: $comment', (request) => {
    const { line, name } = request
    const [secret, channel] = [from(request.secret), channelOf(request)]
    expect(sealJoinRequest(crypto, secret, channel, { line, name }).toHex()).toBe(request.bytes)
    const read = openJoinRequest(from(request.bytes))
    expect([read.invitation.toHex(), read.line, read.name]).toEqual([request.invitation, line, name])
    expect(invitationId(crypto, secret).toHex()).toBe(request.invitation)
    expect(isJoinRequestProven(crypto, secret, channel, read.proven)).toBe(true)
  })

  test.for(groups.refuseJoinRequests)('are refused: $comment', (request) => {
    const open = (): string => {
      const { proven } = openJoinRequest(from(request.bytes))
      return isJoinRequestProven(crypto, from(request.secret), channelOf(request), proven)
        ? 'accepted'
        : 'ERR_JOIN_PROOF'
    }
    if (request.error === 'ERR_JOIN_PROOF') expect(open()).toBe('ERR_JOIN_PROOF')
    else expect(open).toThrow(expect.objectContaining({ code: request.error }))
  })
})

describe('answers to them', () => {
  test.for(groups.joinAnswers)('are written and read: $comment', (answer) => {
    const { state, tree, reason } = answer
    const [secret, channel] = [from(answer.secret), channelOf(answer)]
    const fields = { state, tree: from(tree), reason }
    expect(sealJoinAnswer(crypto, secret, channel, fields).toHex()).toBe(answer.bytes)
    expect(openJoinAnswer(crypto, secret, channel, from(answer.bytes))).toEqual(fields)
  })

  test.for(groups.refuseJoinAnswers)('are refused: $comment', (answer) => {
    const open = (): unknown =>
      openJoinAnswer(crypto, from(answer.secret), channelOf(answer), from(answer.bytes))
    expect(open).toThrow(expect.objectContaining({ code: answer.error }))
  })
})

describe('messages', () => {
  test.for(groups.messages)('are written and read: $comment', (message) => {
    const fields = {
      tree: from(message.tree),
      fromApp: message.fromApp ?? undefined,
      toApp: message.toApp ?? undefined,
      topic: message.topic,
      content: from(message.content),
      number: message.number,
      replyWithinMs: message.replyWithinMs ?? undefined,
      inReplyTo: message.inReplyTo ?? undefined
    }
    expect(encodeMessage(fields).toHex()).toBe(message.bytes)
    expect(decodeMessage(from(message.bytes))).toEqual(fields)
  })

  test.for(groups.refuseMessages)('are refused: $comment', ({ bytes }) => {
    expect(() => decodeMessage(from(bytes))).toThrow(expect.objectContaining({ code: 'ERR_MESSAGE_FORMAT' }))
  })
})
