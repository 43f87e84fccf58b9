/**
 * The order in which records travel (spec 28, section 3): what others rest on comes first, so that a receiver has to
 * park nothing. Ends of rights come right after the caps that they end.
 */
import { type AnyRecord, type Authority, decodeBirth, type Id, recordType } from '@blocktree/tree'

const rankOfType: Readonly<Record<number, number>> = {
  [recordType.tree]: 1,
  [recordType.principal]: 0,
  [recordType.succession]: 2,
  [recordType.cap]: 3,
  [recordType.revocation]: 4,
  [recordType.epoch]: 5,
  [recordType.grant]: 6,
  [recordType.grantRevocation]: 7,
  [recordType.delivery]: 8,
  [recordType.checkpoint]: 9,
  [recordType.endpoint]: 10,
  [recordType.receipt]: 11,
  [recordType.header]: 12
}

/** Sorts so that every record comes after the records of this list that it names. */
export function inOrder(authority: Authority, records: readonly AnyRecord[]): readonly AnyRecord[] {
  return records
    .map((record) => ({ record, rank: rankOfType[record.type] ?? 99, depth: depthOf(authority, record) }))
    .toSorted((left, right) => left.rank - right.rank || left.depth - right.depth)
    .map(({ record }) => record)
}

const linksMax = 64

/** How many records of its own type lie below it. */
function depthOf(authority: Authority, record: AnyRecord): number {
  switch (record.type) {
    case recordType.succession:
      return record.body.generation
    case recordType.cap: {
      let depth = 0
      for (
        let above: Id | undefined = record.body.parentCap;
        above !== undefined && depth < linksMax;
        depth++
      ) {
        above = authority.cap(above)?.body.parentCap
      }
      return depth
    }
    case recordType.epoch:
      return record.body.number
    case recordType.checkpoint:
      return record.body.sequence
    case recordType.endpoint:
      return record.body.sequence
    default:
      return 0
  }
}

/** Zones whose births a receiver needs to judge this record; births of zones further out follow from their own. */
export function zonesOf(record: AnyRecord): readonly Id[] {
  switch (record.type) {
    case recordType.epoch:
    case recordType.checkpoint:
    case recordType.receipt:
      return [record.body.zone]
    case recordType.grant:
      return [record.body.target]
    case recordType.header:
      return record.body.birth.zone === undefined ? [] : [record.body.birth.zone]
    case recordType.cap: {
      const { zone } = decodeBirth(record.body.scopeBirth)
      return zone === undefined ? [] : [zone]
    }
    case recordType.revocation:
    case recordType.succession:
      return record.body.cuts.map(({ zone }) => zone)
    default:
      return []
  }
}
