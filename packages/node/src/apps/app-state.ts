/**
 * What all nodes keep of an upgrade: `["blocktree-app", 2, upgrading from, upgrading node]`. Version 1,
 * `["blocktree-app", 1, enabled, upgrading from]`, is from before apps ran on several nodes (doc/spec/23-installed-apps.md,
 * section 2).
 */
import { CanonicalWriter } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import { decodeAppFile } from './app-file.ts'

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
  const file = {
    domain,
    fields: [4, 4],
    title: `the state of app "${name}"`,
    place: `/apps/${name}/state`
  }
  return decodeAppFile(bytes, file, (reader, version) => ({
    wasEnabled: version === 1 ? reader.boolean() : undefined,
    upgradingFrom: reader.optional(() => reader.uint()),
    upgradingNode: version === 1 ? undefined : reader.optional(() => reader.bin(32, 32).slice())
  }))
}
