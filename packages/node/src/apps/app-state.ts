/**
 * What all nodes keep of an upgrade: `["blocktree-app", 2, upgrading from, upgrading node]`. Version 1,
 * `["blocktree-app", 1, enabled, upgrading from]`, is from before apps ran on several nodes (doc/spec/23-installed-apps.md,
 * section 2).
 */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'

export interface AppState {
  /** Of version 1: whether it is to run on the node that installed it. */
  readonly wasEnabled: boolean | undefined
  /** The version before an upgrade that has not ended well or badly yet. */
  readonly upgradingFrom: number | undefined
  /** The node that upgrades it; undefined too when that began under version 1. */
  readonly upgradingNode: Id | undefined
}

/** No upgrade is under way. */
export const settledState: AppState = {
  wasEnabled: undefined,
  upgradingFrom: undefined,
  upgradingNode: undefined
}

const domain = 'blocktree-app'

/** Always as version 2. */
export function encodeAppState({ upgradingFrom, upgradingNode }: Omit<AppState, 'wasEnabled'>): Uint8Array {
  const writer = new CanonicalWriter().array(4).str(domain).uint(2)
  writer.optional(upgradingFrom, (version) => writer.uint(version))
  return writer.optional(upgradingNode, (node) => writer.bin(node)).finish()
}

/** @throws ERR_APP_DAMAGED */
export function decodeAppState(bytes: Uint8Array, name: string): AppState {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(4)
    if (reader.str(domain.length) !== domain) throw damaged(name)
    const format = reader.uint()
    if (format !== 1 && format !== 2) throw damaged(name)
    const wasEnabled = format === 1 ? reader.boolean() : undefined
    const upgradingFrom = reader.optional(() => reader.uint())
    const upgradingNode = format === 1 ? undefined : reader.optional(() => reader.bin(32, 32).slice())
    reader.end()
    return { wasEnabled, upgradingFrom, upgradingNode }
  } catch (cause) {
    if (cause instanceof CodecError) throw damaged(name, cause)
    throw cause
  }
}

function damaged(name: string, cause?: unknown): NodeError {
  return new NodeError(
    'ERR_APP_DAMAGED',
    `the state of app "${name}" cannot be read; restore an older version of /apps/${name}/state`,
    cause === undefined ? {} : { cause }
  )
}
