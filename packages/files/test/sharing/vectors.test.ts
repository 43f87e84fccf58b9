/** The vectors of doc/spec/14-access-lines.md and 15-bundles.md, read as a stranger would. */
import { readFileSync } from 'node:fs'
import { createPrincipalSecret } from '@blocktree/crypto'
import {
  type Id,
  createPrincipal,
  createTreeState,
  decodeRecord,
  openDelivery,
  recordType
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { createActor } from '../../src/actor.ts'
import type { FilesContext } from '../../src/files-context.ts'
import { FilesError, createFiles } from '../../src/index.ts'
import { type AcceptedAccess, acceptAccess } from '../../src/sharing/access-accept.ts'
import { parseAccessRequest } from '../../src/sharing/access-request.ts'
import { importBundle } from '../../src/sharing/bundle-import.ts'
import { openLinkSecret, parseLink } from '../../src/sharing/link-secret.ts'
import { rootSummary } from '../../src/sharing/root-summary.ts'
import { crypto } from '../files-fixture.ts'

interface Case {
  readonly comment: string
  readonly [field: string]: unknown
}

function group(page: string, name: string): readonly Case[] {
  const file = new URL(`../../../../doc/spec/vectors/${page}.json`, import.meta.url)
  const { groups }: { groups: Readonly<Record<string, readonly Case[]>> } = JSON.parse(
    readFileSync(file, 'utf8')
  )
  return groups[name] ?? []
}

function text(field: unknown): string {
  if (typeof field !== 'string') throw new Error('a vector lacks a field of text')
  return field
}

const bytes = (field: unknown): Uint8Array => Uint8Array.fromHex(text(field))

function principalOf(vector: Case): ReturnType<typeof createPrincipal> {
  return createPrincipal(crypto, createPrincipalSecret(bytes(vector['signSeed']), bytes(vector['kemSeed'])))
}

/** A node that holds nothing, at a time. */
async function contextOf(now: unknown, tree?: Id): Promise<FilesContext> {
  const store = createMemoryStore()
  const clock = { now: () => Number(now) }
  const state = await createTreeState({ store, crypto, clock, ...(tree && { tree }) })
  const nameSecret = new Uint8Array(32)
  return createFiles({ tree: state, store, crypto, random: crypto.random, clock, nameSecret }).context
}

async function accept(vector: Case): Promise<AcceptedAccess> {
  const context = await contextOf(vector['now'])
  const { tree, clock } = context
  const actor = createActor({ tree, crypto, clock, principal: principalOf(vector) })
  return acceptAccess(context, actor, text(vector['line']))
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    if (error instanceof FilesError) return error.code
    throw error
  }
  return 'accepted'
}

describe('the vectors of access lines', () => {
  test.each(group('access-lines', 'requests'))('request: $comment', (vector) => {
    const { principal, id, ...said } = parseAccessRequest(crypto, text(vector['line']))
    expect({
      ...said,
      comment: vector.comment,
      line: vector['line'],
      principal: principal.signer.toHex(),
      id: id.toHex()
    }).toEqual(vector)
  })

  test.each(group('access-lines', 'refuseRequests'))('refused request: $comment', async ({ line }) => {
    expect(await codeOf(() => parseAccessRequest(crypto, text(line)))).toBe('ERR_ACCESS_LINE')
  })

  test.each(group('access-lines', 'answers'))('answer: $comment', async (vector) => {
    const { request, tree, target, path, read, rights, approver, offer } = await accept(vector)
    const ids = { request, tree, target, approver }
    for (const [name, id] of Object.entries(ids)) expect([name, id.toHex()]).toEqual([name, vector[name]])
    expect({ path, read, rights }).toEqual({
      path: vector['path'],
      read: vector['read'],
      rights: vector['rights']
    })
    if (vector['key'] !== null) expect(keyIn(offer.records, vector)).toBe(vector['key'])
  })

  test.each(group('access-lines', 'refuseAnswers'))('refused answer: $comment', async (vector) => {
    expect(await codeOf(() => accept(vector))).toBe('ERR_ACCESS_LINE')
  })

  test.each(group('access-lines', 'links'))('link: $comment', (vector) => {
    const { tree, secret } = parseLink(crypto, text(vector['line']))
    expect([tree.toHex(), secret.toHex()]).toEqual([vector['tree'], vector['secret']])
  })

  test.each(group('access-lines', 'refuseLinks'))('refused link: $comment', async ({ line }) => {
    expect(await codeOf(() => parseLink(crypto, text(line)))).toBe('ERR_ACCESS_LINE')
  })

  test.each(group('access-lines', 'linkSecrets'))('link secret: $comment', (vector) => {
    const grant = decodeRecord(crypto, bytes(vector['grant']))
    if (grant.type !== recordType.grant) throw new Error('no grant')
    expect(openLinkSecret(crypto, principalOf(vector), grant)?.toHex()).toBe(vector['secret'])
  })
})

describe('the vectors of bundles', () => {
  test.each(group('bundles', 'accept'))('taken: $comment', async (vector) => {
    const context = await contextHolding(vector)
    const report = await importBundle(context, pieces(bytes(vector['bundle'])))
    const outcomes = vector['outcomes'] as readonly string[]
    for (const outcome of ['accepted', 'known', 'parked'] as const)
      expect([outcome, report[outcome]]).toEqual([outcome, outcomes.filter((one) => one === outcome).length])
    expect((await rootSummary(context)).digest.toHex()).toBe(vector['summary'])
    const kept = vector['sectors'] as readonly string[]
    expect(report.sectors).toBe(kept.filter((hash) => context.store.hasSector(bytes(hash))).length)
  })

  test.each(group('bundles', 'refuse'))('refused: $comment', async (vector) => {
    const context = await contextHolding(vector)
    expect(await codeOf(() => importBundle(context, pieces(bytes(vector['bundle']))))).toBe(vector['error'])
  })
})

async function contextHolding(vector: Case): Promise<FilesContext> {
  const context = await contextOf(0, bytes(vector['tree']))
  const records = (vector['holds'] as readonly string[]).map((hex) => ({ bytes: bytes(hex) }))
  await context.tree.offer({ records }, { peer: 'before', from: 'host' })
  return context
}

async function* pieces(bundle: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bundle.length; at += 777) yield bundle.subarray(at, at + 777)
}

/** The key that the one delivery among the records gives. */
function keyIn(records: AcceptedAccess['offer']['records'], vector: Case): string {
  const decoded = records.map((record) => decodeRecord(crypto, record.bytes))
  const delivery = decoded.find((record) => record.type === recordType.delivery)
  const grant = decoded.find(
    (record) => record.type === recordType.grant && record.id.toHex() === delivery?.body.grant.toHex()
  )
  const epoch = decoded.find((record) => record.type === recordType.epoch)
  const header = decoded.find((record) => record.type === recordType.header)
  if (delivery === undefined || grant?.type !== recordType.grant || epoch === undefined)
    throw new Error('no delivery')
  const commitment = header === undefined ? { epoch } : { header: header.body }
  return openDelivery(crypto, delivery, grant, principalOf(vector), commitment).toHex()
}
