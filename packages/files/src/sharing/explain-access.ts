/**
 * "Why can it?" in sentences: for writing the chain of caps that the tree explains, for reading the grant, the delivered
 * epoch and the way from there to the key of the block. When something is not allowed, the last sentence says which link
 * is missing and what to do about it. Asked of a shared folder the answer is about what is in it; the folder's own entry
 * (its name, moving it, removing it) belongs to the zone around it and is explained beside.
 */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  type EpochRecord,
  type Explanation,
  type ExplanationFailure,
  type ExplanationStep,
  type GrantRecord,
  type HeaderRecord,
  type Id,
  capScope,
  grantTarget,
  right,
  scopeType
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, isPublicZone, locate } from '../files-context.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { resolvePath } from '../resolve-path.ts'
import { type EpochWay, waysInto } from './epoch-reach.ts'
import { type GrantState, grantState } from './list-grants.ts'
import { parseRight, rightNames } from './right-names.ts'

export interface ExplainRequest {
  readonly principal: Id
  readonly path: string
  /** `read`, or a word of `right`. */
  readonly right: string
  /** Names for principals; an id's beginning where it gives none. */
  readonly nameOf?: (principal: Id) => string | undefined
}

export interface ExplainedStep {
  readonly text: string
  readonly recordId: Id | undefined
  /** False for the link that is missing. */
  readonly ok: boolean
}

export interface AccessExplanation {
  readonly allowed: boolean
  /** From the tree record down to what decides. */
  readonly steps: readonly ExplainedStep[]
  /** Of a shared folder alone, which is answered for what is in it: the same for its own entry. */
  readonly entry?: EntryExplanation
}

/** May the principal read the name of a shared folder, or else rename, move and remove it? */
export interface EntryExplanation {
  readonly allowed: boolean
  readonly steps: readonly ExplainedStep[]
}

/** @throws ERR_RIGHT_UNKNOWN, and what a path throws */
export function explainAccess(
  context: FilesContext,
  actor: Actor,
  request: ExplainRequest
): AccessExplanation {
  const { block, summary } = resolvePath(context, actor, request.path)
  const words = new Words(context, actor, request)
  const { principal } = request
  const isShared = summary.zoneRoot && summary.parent !== undefined
  if (request.right === 'read') {
    const entry = explainRead(context, words, principal, block)
    return isShared ? { ...explainReadInside(context, words, principal, block), entry } : entry
  }
  const rights = parseRight(request.right)
  if (!isShared)
    return explainRight(context, words, principal, context.tree.explain(principal, block, rights))
  const inside = context.tree.explainInside(principal, block, rights)
  const entry = context.tree.explain(principal, block, right.admin)
  return {
    ...explainRight(context, words, principal, inside),
    entry: explainRight(context, words, principal, entry)
  }
}

/** Ids as people know them. */
class Words {
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #nameOf: ((principal: Id) => string | undefined) | undefined

  constructor(context: FilesContext, actor: Actor, request: ExplainRequest) {
    this.#context = context
    this.#actor = actor
    this.#nameOf = request.nameOf
  }

  principal(id: Id): string {
    return this.#nameOf?.(id) ?? formatId(id).slice(0, 16)
  }

  place(block: Id): string {
    const path = pathOfBlock(this.#context, this.#actor, block)
    return path === undefined ? `the block ${formatId(block).slice(0, 16)}` : `"${path}"`
  }

  date(timeMs: number): string {
    return new Date(timeMs).toISOString()
  }
}

// --- rights

function explainRight(
  context: FilesContext,
  words: Words,
  principal: Id,
  { allowed, chain, failure, right: rights }: Explanation
): EntryExplanation {
  const steps = chain.map((step) => explainStep(context, words, step))
  if (failure !== undefined) steps.push(explainFailure(words, failure, principal, rights))
  return { allowed, steps: [treeStep(context, words), ...steps] }
}

function treeStep(context: FilesContext, words: Words): ExplainedStep {
  const { tree } = context.tree.authority
  const root = tree === undefined ? 'nobody' : words.principal(tree.body.root)
  return { text: `the tree began with ${root} as its root`, recordId: tree?.id, ok: true }
}

function explainStep(context: FilesContext, words: Words, step: ExplanationStep): ExplainedStep {
  if (step.step === 'root') {
    const since = step.generation === 0 ? '' : ` since succession ${step.generation}`
    return {
      text: `${words.principal(step.principal)} is root${since} and may do everything`,
      recordId: undefined,
      ok: true
    }
  }
  const { id, signer, body } = step.cap
  const scope = capScope(context.crypto, body)
  const what = body.scopeType === scopeType.zone ? 'in and below' : 'for'
  const until = body.notAfter === undefined ? '' : ` until ${words.date(body.notAfter)}`
  const rights = rightNames(body.rights).join(', ')
  const text = `${words.principal(signer)} gave ${words.principal(body.subject)} the rights ${rights} ${what} ${words.place(scope)}${until}`
  return { text, recordId: id, ok: true }
}

function explainFailure(
  words: Words,
  failure: ExplanationFailure,
  principal: Id,
  rights: number
): ExplainedStep {
  const who = words.principal(principal)
  const wanted = rightNames(rights).join(' and ')
  const no = (text: string, recordId?: Id): ExplainedStep => ({ text, recordId, ok: false })
  switch (failure.reason) {
    case 'block-unknown':
      return no('no valid version of it is held here')
    case 'no-cap':
      return no(`no cap was given to ${who}: issue one with the right ${wanted}`)
    case 'cap-missing':
      return no('a record that this cap rests on is not held here: sync with a node that has it', failure.cap)
    case 'cap-invalid':
      return no(`this cap does not hold: ${failure.message}`, failure.cap)
    case 'scope':
      return no('this cap is for another place', failure.cap)
    case 'right':
      return no(`this cap lacks the right ${rightNames(failure.missing).join(' and ')}`, failure.cap)
    case 'not-yet':
      return no(`this cap begins at ${words.date(failure.notBefore)}`, failure.cap)
    case 'expired':
      return no(`this cap ended at ${words.date(failure.notAfter)}`, failure.cap)
    case 'succeeded':
      return no('it rests on a former root whose rights were ended by a succession', failure.succession.id)
    case 'revoked': {
      const by = words.principal(failure.revocation.signer)
      return no(`${by} revoked the cap ${formatId(failure.cap).slice(0, 16)}`, failure.revocation.id)
    }
  }
}

// --- reading

function explainRead(context: FilesContext, words: Words, principal: Id, block: Id): EntryExplanation {
  const header = locate(context, block)?.header
  if (header === undefined)
    return notAllowed(context, words, [notHeld('no valid version of it is held here')])
  const { epoch } = header.body
  if (epoch === undefined) return openToAll(context, words, `${words.place(block)} lies in`, header.id)
  const found =
    byBlockGrant(context, words, principal, header) ??
    byZoneGrant(context, words, principal, epoch, {
      text: `that key opens ${words.place(block)}`,
      recordId: header.id
    })
  if (found !== undefined) return { allowed: true, steps: [treeStep(context, words), ...found] }
  return notAllowed(context, words, missingGrant(context, words, principal, { block, epoch }))
}

/** Of what is in a shared folder: under its current key, which later ones and the former ones follow from. */
function explainReadInside(context: FilesContext, words: Words, principal: Id, zone: Id): EntryExplanation {
  const { tree } = context
  if (isPublicZone(context, zone)) return openToAll(context, words, `${words.place(zone)} is`, undefined)
  const epoch = tree.currentEpochs(zone)[0]?.id
  if (epoch === undefined) return notAllowed(context, words, [notHeld('no key of this folder is held here')])
  const found = byZoneGrant(context, words, principal, epoch, {
    text: `that key opens what is in ${words.place(zone)}`,
    recordId: epoch
  })
  if (found !== undefined) return { allowed: true, steps: [treeStep(context, words), ...found] }
  return notAllowed(context, words, missingGrant(context, words, principal, { block: undefined, epoch }))
}

function openToAll(
  context: FilesContext,
  words: Words,
  what: string,
  recordId: Id | undefined
): EntryExplanation {
  const text = `${what} a public zone: everybody who has its records reads it`
  return { allowed: true, steps: [treeStep(context, words), { text, recordId, ok: true }] }
}

function notAllowed(context: FilesContext, words: Words, steps: readonly ExplainedStep[]): EntryExplanation {
  return { allowed: false, steps: [treeStep(context, words), ...steps] }
}

function notHeld(text: string): ExplainedStep {
  return { text, recordId: undefined, ok: false }
}

function byBlockGrant(
  context: FilesContext,
  words: Words,
  principal: Id,
  header: HeaderRecord
): readonly ExplainedStep[] | undefined {
  const { block, epoch, keyVersion } = header.body
  for (const grant of context.tree.liveGrants(block)) {
    if (grant.body.targetType !== grantTarget.block || !equalBytes(grant.body.recipient, principal)) continue
    const delivery = context.tree.authority
      .deliveriesOf(grant.id)
      .find(
        ({ body }) => epoch !== undefined && equalBytes(body.epoch, epoch) && body.keyVersion === keyVersion
      )
    if (delivery === undefined) continue
    const text = `the key of ${words.place(block)} was delivered to ${words.principal(principal)}`
    return [grantStep(words, grant), { text, recordId: delivery.id, ok: true }]
  }
  return undefined
}

function byZoneGrant(
  context: FilesContext,
  words: Words,
  principal: Id,
  epoch: Id,
  opened: { readonly text: string; readonly recordId: Id }
): readonly ExplainedStep[] | undefined {
  const { tree } = context
  const ways = waysInto(tree.authority, epoch)
  for (const way of ways) {
    for (const delivery of tree.authority.deliveriesUnder(way.epoch.id)) {
      const grant = tree.authority.grant(delivery.body.grant)
      if (grant === undefined || !equalBytes(grant.body.recipient, principal)) continue
      if (grant.body.targetType !== grantTarget.zone || grantState(context, grant) !== 'live') continue
      const { epoch: delivered } = way
      const text = `the key of epoch ${delivered.body.number} of ${words.place(delivered.body.zone)} was delivered to ${words.principal(principal)}`
      return [
        grantStep(words, grant),
        { text, recordId: delivery.id, ok: true },
        ...wayDown(words, ways, way),
        { ...opened, ok: true }
      ]
    }
  }
  return undefined
}

function wayDown(words: Words, ways: readonly EpochWay[], from: EpochWay): readonly ExplainedStep[] {
  const steps: ExplainedStep[] = []
  let at: EpochWay | undefined = from
  while (at?.opens !== undefined) {
    const { opens, by }: EpochWay = at
    const number = opens.body.number
    const text =
      by === 'inherit'
        ? `epoch ${number} of ${words.place(opens.body.zone)} is open to the readers of the zone around it`
        : `the later key opens epoch ${number}, from before the key was changed`
    steps.push({ text, recordId: (by === 'inherit' ? opens : at.epoch).id, ok: true })
    const next: EpochRecord = opens
    at = ways.find(({ epoch }) => equalBytes(epoch.id, next.id))
  }
  return steps
}

function grantStep(words: Words, grant: GrantRecord): ExplainedStep {
  const until = grant.body.notAfter === undefined ? '' : ` until ${words.date(grant.body.notAfter)}`
  const text = `${words.principal(grant.signer)} granted ${words.principal(grant.body.recipient)} to read ${words.place(grant.body.target)}${until}`
  return { text, recordId: grant.id, ok: true }
}

const stateText: Readonly<Record<Exclude<GrantState, 'live'>, string>> = {
  revoked: 'this grant was taken back: what was readable before stays known',
  expired: 'this grant has ended',
  void: 'this grant counts no longer: its issuer lost the right to share'
}

/** The grant that came nearest, and what is wrong with it. */
function missingGrant(
  context: FilesContext,
  words: Words,
  principal: Id,
  { block, epoch }: { readonly block: Id | undefined; readonly epoch: Id }
): readonly ExplainedStep[] {
  const { authority } = context.tree
  const zones = waysInto(authority, epoch).map((way) => way.epoch.body.zone)
  const grants = authority.grantsTo(principal).filter(({ body }) => {
    if (body.targetType === grantTarget.zone) return zones.some((zone) => equalBytes(zone, body.target))
    return block !== undefined && equalBytes(block, body.target)
  })
  const ranked = grants.toSorted((left, right) => rank(context, left) - rank(context, right))
  const nearest = ranked[0]
  if (nearest === undefined) {
    const place = words.place(block ?? zones[0] ?? epoch)
    const text = `no grant to ${words.principal(principal)} covers ${place}: grant it to read`
    return [{ text, recordId: undefined, ok: false }]
  }
  const state = grantState(context, nearest)
  if (state !== 'live') {
    const revocation = authority.grantRevocationsOf(nearest.id)[0]
    return [
      grantStep(words, nearest),
      { text: stateText[state], recordId: (revocation ?? nearest).id, ok: false }
    ]
  }
  const text =
    'its current key has not been delivered yet: it follows when the owner or another sharer is online'
  return [grantStep(words, nearest), { text, recordId: nearest.id, ok: false }]
}

function rank(context: FilesContext, grant: GrantRecord): number {
  return ['live', 'expired', 'void', 'revoked'].indexOf(grantState(context, grant))
}
