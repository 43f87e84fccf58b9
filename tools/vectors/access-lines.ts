/** Vectors of doc/spec/14-access-lines.md: requests, answers, links, and lines that are refused. */
import { CanonicalWriter, concatBytes } from '@blocktree/codec'
import { aead } from '@blocktree/crypto'
import * as tree from '@blocktree/tree'
import { type Author, History, personNamed } from '../vector-history.ts'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { type SeededPrincipal, crypto, filled, seededRandom } from '../vector-tree.ts'
import { type Edit, type Value, editBytes } from '../vector-value.ts'

const ann = personNamed('ann')
const bob = personNamed('bob')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const random = seededRandom('access lines')
const timeMs = 1_800_000_000_000

export function generateVectors(): VectorPage {
  return {
    name: 'access-lines',
    specification: 'doc/spec/14-access-lines.md',
    comment:
      'requests, answers: `line` and what it says (bytes as hexadecimal; `id` of the request, principal ids of the asking ' +
      'and of the approving principal). Answers are judged by the principal with `kemSeed` and id `recipient`, at the time ' +
      '`now`; `key` is the zone key or block key that it gives, null without one. links: the text, its fields and the ' +
      'recipient of its grant. linkSecrets: a grant and the secret that the issuer with `kemSeed` finds in it. Lines of refuse… are ' +
      'ERR_ACCESS_LINE.',
    groups: {
      requests: requestCases(),
      refuseRequests: refusedRequests(),
      answers: answerCases(),
      refuseAnswers: refusedAnswers(),
      links: linkCases(),
      refuseLinks: refusedLinks(),
      linkSecrets: [linkSecretCase()]
    }
  }
}

function lineOf(prefix: string, bytes: Uint8Array): string {
  return prefix + bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
}

function signedLine(kind: 'request' | 'access', signer: SeededPrincipal, body: Uint8Array): string {
  const signature = signer.key.sign(concatBytes(utf8(`blocktree/${kind}/1\0`), body))
  return lineOf(`blocktree-${kind}:`, new CanonicalWriter(256).array(2).bin(body).bin(signature).finish())
}

// --- requests

function requestBody(): Uint8Array {
  const writer = new CanonicalWriter(2048).array(9).uint(1).bin(ann.record.bytes).str('Ann').str('/shared/ü')
  return writer.boolean(true).uint(3).str('please').uint(timeMs).bin(filled(16, 5)).finish()
}

function requestCases(): VectorCase[] {
  const body = requestBody()
  const line = signedLine('request', ann, body)
  const fields = {
    principal: hex(ann.id),
    name: 'Ann',
    path: '/shared/ü',
    read: true,
    rights: 3,
    note: 'please',
    timeMs,
    id: hex(crypto.sha256(concatBytes(utf8('blocktree/request/1\0'), body)))
  }
  return [
    { comment: 'a request', line, ...fields },
    { comment: 'white space around it', line: ` \t${line}\r\n`, ...fields }
  ]
}

function refusedRequests(): VectorCase[] {
  const good = requestBody()
  const line = signedLine('request', ann, good)
  const edited = (comment: string, path: readonly number[], edit: Value | Edit): VectorCase => ({
    comment,
    line: signedLine('request', ann, editBytes(good, path, edit))
  })
  return [
    { comment: 'another prefix', line: line.replace('request', 'requests') },
    { comment: 'a prefix in capitals', line: line.replace('blocktree', 'Blocktree') },
    { comment: 'padding', line: `${line}==` },
    { comment: 'the alphabet of plain base64', line: `${line.slice(0, -4)}+/+/` },
    { comment: 'white space inside', line: `${line.slice(0, 60)} ${line.slice(60)}` },
    { comment: 'a character less', line: line.slice(0, -1) },
    { comment: 'cut short', line: line.slice(0, -8) },
    { comment: 'nothing behind the prefix', line: 'blocktree-request:' },
    { comment: 'left-over bits', line: withLeftOverBits('blocktree-request:', line) },
    { comment: 'signed by another', line: signedLine('request', bob, good) },
    { comment: 'signed as an answer', line: signedLine('access', ann, good).replace('access', 'request') },
    edited('format 2', [0], 2),
    edited('a record of another type in place of the principal', [1], new History('other').tree.bytes),
    edited('a principal whose own signature is damaged', [1], (value) =>
      value instanceof Uint8Array ? withLastBitChanged(value) : value
    ),
    edited('a name of 256 bytes', [2], 'n'.repeat(256)),
    edited('a path of 4,097 bytes', [3], 'p'.repeat(4097)),
    edited('read as a number', [4], 1),
    edited('rights of 2^32', [5], 2 ** 32),
    edited('a note of 2,001 bytes', [6], 'n'.repeat(2001)),
    edited('no time', [7], null),
    edited('a nonce of 15 bytes', [8], filled(15, 5)),
    edited('a field more', [], (value) => (Array.isArray(value) ? value.concat(null) : value)),
    {
      comment: 'a byte behind the body',
      line: signedLine('request', ann, concatBytes(good, Uint8Array.of(0xc0)))
    },
    { comment: 'more than 8 KiB', line: `blocktree-request:${'A'.repeat(4 * 2731)}` }
  ]
}

/** The last character of a line of 4n+2 or 4n+3 characters with a bit that no byte needs. */
function withLeftOverBits(prefix: string, line: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = digits.indexOf(line.at(-1) ?? '')
  if ((line.length - prefix.length) % 4 < 2 || last % 4 !== 0)
    throw new Error('a line without left-over bits')
  return line.slice(0, -1) + (digits[last + 1] ?? '')
}

// --- answers

interface AnswerDraft {
  readonly request: Uint8Array
  readonly tree: tree.Id
  readonly target: tree.Id
  readonly path: string
  readonly read: boolean
  readonly rights: number
  readonly approver: SeededPrincipal
  readonly births: readonly Uint8Array[]
  readonly records: readonly { readonly bytes: Uint8Array }[]
  readonly format: number
  readonly signer: SeededPrincipal
}

function answerLine(draft: AnswerDraft): string {
  const writer = new CanonicalWriter(4096).array(10).uint(draft.format).bin(draft.request).bin(draft.tree)
  writer.bin(draft.target).str(draft.path).boolean(draft.read).uint(draft.rights)
  writer.bin(draft.approver.record.bytes).array(draft.births.length)
  for (const birth of draft.births) writer.bin(birth)
  writer.array(draft.records.length)
  for (const { bytes } of draft.records) writer.bin(bytes)
  return signedLine('access', draft.signer, writer.finish())
}

/** A private tree with a file, and everything that lets ann in. */
class Shared {
  readonly h = new History('access', { private: true })
  readonly epoch = this.h.epoch(this.h.root, this.h.rootBlock)
  readonly zoneGrant = this.grant(this.h.root, this.h.rootBlock.block, tree.grantTarget.zone)
  readonly zoneDelivery = this.delivery(this.zoneGrant, undefined, this.epoch.key)
  readonly file = this.h.place('file', this.h.root)
  readonly header = this.h.version(this.h.root, this.file, [], { epoch: this.epoch })
  readonly blockKey = tree.blockKey(crypto, this.epoch.key, this.file.block, 0).bytes
  readonly blockGrant = this.grant(this.h.root, this.file.block, tree.grantTarget.block)
  readonly blockDelivery = this.delivery(this.blockGrant, 0, this.blockKey)
  readonly cap = this.h.cap(this.h.root, 'ann', this.h.rootBlock, { rights: 3 })
  readonly first = [this.h.root.principal.record, this.h.tree, ann.record] as const

  grant(
    author: Author,
    target: tree.Id,
    targetType: 0 | 1,
    recipient = ann.id,
    notAfter?: number
  ): tree.GrantRecord {
    return tree.createGrant(crypto, author.principal, {
      tree: this.h.tree.id,
      targetType,
      target,
      recipientType: tree.recipientType.principal,
      recipient,
      notAfter,
      cap: author.cap?.id,
      nonce: random.bytes(16)
    })
  }

  delivery(grant: tree.GrantRecord, keyVersion: number | undefined, key: Uint8Array): tree.DeliveryRecord {
    return tree.createDelivery({ crypto, random }, this.h.root.principal, {
      grant,
      epoch: this.epoch.record.id,
      keyVersion,
      key,
      to: { principal: ann.record },
      cap: undefined
    })
  }

  draft(changes: Partial<AnswerDraft> = {}): AnswerDraft {
    return {
      request: filled(32, 6),
      tree: this.h.tree.id,
      target: this.h.rootBlock.block,
      path: '/',
      read: true,
      rights: 0,
      approver: this.h.root.principal,
      births: [this.h.rootBlock.birthBytes],
      records: [...this.first, this.epoch.record, this.zoneGrant, this.zoneDelivery],
      format: 1,
      signer: this.h.root.principal,
      ...changes
    }
  }

  ofBlock(changes: Partial<AnswerDraft> = {}): AnswerDraft {
    const records = [...this.first, this.epoch.record, this.header, this.blockGrant, this.blockDelivery]
    return this.draft({ target: this.file.block, path: '/file', records, ...changes })
  }
}

function answerCase(comment: string, draft: AnswerDraft, key: Uint8Array | undefined, now = 0): VectorCase {
  return {
    comment,
    line: answerLine(draft),
    ...judge(now),
    request: hex(draft.request),
    tree: hex(draft.tree),
    target: hex(draft.target),
    path: draft.path,
    read: draft.read,
    rights: draft.rights,
    approver: hex(draft.approver.id),
    key: key === undefined ? null : hex(key)
  }
}

function judge(now: number): { recipient: string; signSeed: string; kemSeed: string; now: number } {
  return { recipient: hex(ann.id), signSeed: hex(ann.signSeed), kemSeed: hex(ann.kemSeed), now }
}

function answerCases(): VectorCase[] {
  const shared = new Shared()
  const { h } = shared
  const withCap = [...shared.first, shared.cap.cap]
  const open = new History('an open tree')
  const publicGrant = tree.createGrant(crypto, open.root.principal, {
    ...shared.zoneGrant.body,
    tree: open.tree.id,
    target: open.rootBlock.block
  })
  const publicTree = {
    tree: open.tree.id,
    target: open.rootBlock.block,
    births: [open.rootBlock.birthBytes],
    records: [open.root.principal.record, open.tree, ann.record, publicGrant]
  }
  const second = shared.grant(h.root, h.rootBlock.block, tree.grantTarget.zone)
  const expiring = shared.grant(h.root, h.rootBlock.block, tree.grantTarget.zone, ann.id, 1000)
  const expiringRecords = [...shared.first, shared.epoch.record, expiring]
  return [
    answerCase('reading a zone', shared.draft(), shared.epoch.key),
    answerCase(
      'rights in a zone, without reading',
      shared.draft({ read: false, rights: 3, records: withCap }),
      undefined
    ),
    answerCase(
      'reading and rights',
      shared.draft({ rights: 1, records: [...shared.draft().records, shared.cap.cap] }),
      shared.epoch.key
    ),
    answerCase('reading one block', shared.ofBlock(), shared.blockKey),
    answerCase('a public zone: the grant alone', shared.draft(publicTree), undefined),
    answerCase(
      'two grants, of which the second has a delivery',
      shared.draft({
        records: [...shared.first, shared.epoch.record, second, shared.zoneGrant, shared.zoneDelivery]
      }),
      shared.epoch.key
    ),
    answerCase(
      'a grant at its last millisecond',
      shared.draft({ records: [...expiringRecords, shared.delivery(expiring, undefined, shared.epoch.key)] }),
      shared.epoch.key,
      1000
    )
  ]
}

function refusedAnswers(): VectorCase[] {
  const shared = new Shared()
  const { h } = shared
  const refuse = (comment: string, draft: AnswerDraft, now = 0): VectorCase => ({
    comment,
    line: answerLine(draft),
    ...judge(now)
  })
  const { records } = shared.draft()
  const replaced = (
    index: number,
    record: { readonly bytes: Uint8Array }
  ): readonly { readonly bytes: Uint8Array }[] =>
    records.map((before, at) => (at === index ? record : before))
  const wrongKey = shared.delivery(shared.zoneGrant, undefined, filled(32, 1))
  const otherEpoch = h.epoch(h.root, h.rootBlock)
  const expiring = shared.grant(h.root, h.rootBlock.block, tree.grantTarget.zone, ann.id, 1000)
  const toBob = shared.grant(h.root, h.rootBlock.block, tree.grantTarget.zone, bob.id)
  const revoked = tree.createGrantRevocation(crypto, h.root.principal, {
    tree: h.tree.id,
    grant: shared.zoneGrant.id,
    cap: undefined
  })
  const withCap = [...shared.first, shared.cap.cap]
  const foreign = editBytes(h.rootBlock.birthBytes, [0], filled(32, 1))
  const checkpoint = h.checkpoint(h.root, h.rootBlock, []).record
  const receipt = h.receipt(h.root, h.rootBlock, [shared.zoneGrant], 1)
  const endpoint = tree.createEndpoint(crypto, h.root.principal, {
    tree: h.tree.id,
    transportKey: h.root.principal.key.publicKey,
    addresses: [],
    notAfter: 1,
    sequence: 1
  })
  const bobCap = h.cap(h.root, 'bob', h.rootBlock)
  const byBob = h.cap(bobCap, 'ann', h.rootBlock, { rights: 3 })
  return [
    refuse('format 2', shared.draft({ format: 2 })),
    refuse('signed by another than its approver', shared.draft({ signer: bob })),
    refuse('approved by another than who granted', shared.draft({ approver: bob, signer: bob })),
    refuse('no record', shared.draft({ records: [] })),
    refuse('a record before what it rests on', shared.draft({ records: records.toReversed() })),
    refuse('a record twice', shared.draft({ records: [...records, shared.zoneGrant] })),
    refuse('a record that is damaged', shared.draft({ records: replaced(4, damaged(shared.zoneGrant)) })),
    refuse('neither read nor rights', shared.draft({ read: false })),
    refuse('read without a grant', shared.draft({ records: [...shared.first, shared.epoch.record] })),
    refuse('read without a delivery', shared.draft({ records: records.slice(0, -1) })),
    refuse('a delivery of another key', shared.draft({ records: replaced(5, wrongKey) })),
    refuse('a grant to another', shared.draft({ records: replaced(4, toBob).slice(0, -1) })),
    refuse('a grant that was revoked', shared.draft({ records: [...records, revoked] })),
    refuse(
      'a grant that has ended',
      shared.draft({
        records: [
          ...shared.first,
          shared.epoch.record,
          expiring,
          shared.delivery(expiring, undefined, shared.epoch.key)
        ]
      }),
      1001
    ),
    refuse('a grant of a block for a zone', shared.ofBlock({ target: h.rootBlock.block })),
    refuse(
      'a block without its header',
      shared.ofBlock({ records: shared.ofBlock().records.filter((r) => r !== shared.header) })
    ),
    refuse('without the birth of its zone', shared.draft({ births: [] })),
    refuse('a birth of another tree', shared.draft({ births: [h.rootBlock.birthBytes, foreign] })),
    refuse('a birth of no zone', shared.draft({ births: [h.rootBlock.birthBytes, shared.file.birthBytes] })),
    refuse('another tree', shared.draft({ tree: filled(32, 1) })),
    refuse('rights without a cap', shared.draft({ rights: 1 })),
    refuse('rights beyond the cap', shared.draft({ read: false, rights: 7, records: withCap })),
    refuse(
      'a cap of another',
      shared.draft({ read: false, rights: 1, records: [...shared.first, bob.record, bobCap.cap] })
    ),
    refuse(
      'a cap that another has given',
      shared.draft({ read: false, rights: 1, records: [...shared.first, bob.record, bobCap.cap, byBob.cap] })
    ),
    refuse('a checkpoint', shared.draft({ records: [...records, checkpoint] })),
    refuse('a receipt', shared.draft({ records: [...records, receipt] })),
    refuse('an endpoint', shared.draft({ records: [...records, endpoint] })),
    refuse(
      'an epoch that the delivery does not name',
      shared.draft({ records: [...shared.first, otherEpoch.record, shared.zoneGrant, shared.zoneDelivery] })
    )
  ]
}

function withLastBitChanged(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte))
}

function damaged({ bytes }: { readonly bytes: Uint8Array }): { readonly bytes: Uint8Array } {
  return { bytes: withLastBitChanged(bytes) }
}

// --- links

const link = { tree: filled(32, 1), secret: filled(32, 2) }

function linkBytes(version: number, treeId: Uint8Array, secret: Uint8Array): Uint8Array {
  const body = concatBytes(Uint8Array.of(version), treeId, secret)
  return concatBytes(body, crypto.sha256(body).subarray(0, 4))
}

function linkCases(): VectorCase[] {
  const line = lineOf('blocktree-link:', linkBytes(1, link.tree, link.secret))
  const fields = {
    tree: hex(link.tree),
    secret: hex(link.secret),
    recipient: hex(tree.linkRecipient(crypto, link.secret))
  }
  return [
    { comment: 'a link', line, ...fields },
    { comment: 'white space around it', line: `\n ${line}\n`, ...fields }
  ]
}

function refusedLinks(): VectorCase[] {
  const good = linkBytes(1, link.tree, link.secret)
  const refuse = (comment: string, bytes: Uint8Array): VectorCase => ({
    comment,
    line: lineOf('blocktree-link:', bytes)
  })
  return [
    refuse('version 2', linkBytes(2, link.tree, link.secret)),
    refuse('a wrong checksum', withLastBitChanged(good)),
    refuse('a changed secret', good.with(40, 9)),
    refuse('a byte less', good.subarray(0, -1)),
    refuse('a byte more', concatBytes(good, Uint8Array.of(0))),
    refuse('a secret of 31 bytes', linkBytes(1, link.tree, link.secret.subarray(1))),
    refuse('no bytes', new Uint8Array(0)),
    { comment: 'the prefix of a request', line: lineOf('blocktree-request:', good) }
  ]
}

function linkSecretCase(): VectorCase {
  const h = new History('link secret')
  const issuer = h.root.principal
  const secret = filled(32, 2)
  const target = { tree: h.tree.id, target: h.rootBlock.block, recipient: tree.linkRecipient(crypto, secret) }
  const binding = crypto.sha256(concatBytes(target.tree, target.target, target.recipient, issuer.id))
  const made = crypto.encapsulate(issuer.record.body.encapsulationPublicKey, random.bytes(64))
  const info = concatBytes(utf8('blocktree/link-secret/1\0'), binding)
  const key = crypto.hkdfSha256(made.sharedSecret, new Uint8Array(0), info, 32)
  const sealed = crypto.aeadSeal(aead.aes256Gcm, key, new Uint8Array(12), binding, secret)
  const grant = tree.createGrant(crypto, issuer, {
    ...target,
    targetType: tree.grantTarget.zone,
    recipientType: tree.recipientType.link,
    notAfter: undefined,
    cap: undefined,
    nonce: filled(16, 3),
    ext: [{ code: 1, critical: false, bytes: concatBytes(made.ciphertext, sealed) }]
  })
  return {
    comment: 'the secret of a link in its grant',
    grant: hex(grant.bytes),
    signSeed: hex(issuer.signSeed),
    kemSeed: hex(issuer.kemSeed),
    secret: hex(secret)
  }
}
