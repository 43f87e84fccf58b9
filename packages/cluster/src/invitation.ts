/** An invitation as the inviting node keeps it until it has ended, and its stored form. */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'

/** What a new node will be given. */
export interface InvitationTerms {
  /** Directory that it gets, and whose cluster it becomes part of when it hosts. */
  readonly path: string
  readonly read: boolean
  /** Bits of `right`; without `host` it follows a share and is no member. */
  readonly rights: number
  /** True when nobody needs to be asked again. */
  readonly isApproved: boolean
  /** Name that the new node gets here; its own claim when empty. */
  readonly name: string
}

export interface Invitation extends InvitationTerms {
  readonly id: Uint8Array
  readonly secret: Uint8Array
  readonly createdMs: number
  readonly expiresMs: number
  /** Wrong proofs so far. */
  readonly failures: number
  /** Who used it; nobody else ever can. */
  readonly usedBy: { readonly principal: Id; readonly transportKey: Uint8Array } | undefined
  /** What the owner said after it was used; undefined while the owner is asked. */
  readonly decision: 'approved' | 'refused' | undefined
}

const format = 1
const pathBytesMax = 4096
const nameBytesMax = 255
const decisions = [undefined, 'approved', 'refused'] as const

export function encodeInvitation(one: Invitation): Uint8Array {
  const writer = new CanonicalWriter(256).array(13).uint(format).bin(one.id).bin(one.secret)
  writer.uint(one.createdMs).uint(one.expiresMs).uint(one.failures)
  writer.str(one.path).boolean(one.read).uint(one.rights).boolean(one.isApproved).str(one.name)
  writer.optional(one.usedBy, ({ principal, transportKey }) =>
    writer.array(2).bin(principal).bin(transportKey)
  )
  return writer.uint(decisions.indexOf(one.decision)).finish()
}

/** @throws CodecError */
export function decodeInvitation(bytes: Uint8Array): Invitation {
  const reader = new CanonicalReader(bytes.slice())
  reader.arrayOf(13)
  reader.uint(format, format)
  const one: Invitation = {
    id: reader.binExact(8),
    secret: reader.binExact(16),
    createdMs: reader.uint(),
    expiresMs: reader.uint(),
    failures: reader.uint(255),
    path: reader.str(pathBytesMax),
    read: reader.boolean(),
    rights: reader.uint(0xffff_ffff),
    isApproved: reader.boolean(),
    name: reader.str(nameBytesMax),
    usedBy: reader.optional(() => {
      reader.arrayOf(2)
      return { principal: reader.binExact(32), transportKey: reader.binExact(32) }
    }),
    decision: decisions[reader.uint(decisions.length - 1)]
  }
  reader.end()
  return one
}
