/** session.*, principal.*, root.*, key.*: who acts, and with which keys. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import {
  type Empty,
  identifier,
  localPath,
  principalName,
  secretText,
  type Shape,
  size,
  timeMs
} from './shape.ts'

export interface PrincipalSummary {
  readonly id: string
  /** Of a local key or an imported record; the id's beginning when it has none. */
  readonly name: string
  /** A key of this node can sign for it. */
  readonly isLocal: boolean
  readonly isRoot: boolean
  readonly isNode: boolean
}

export interface RootStatus {
  readonly isUnlocked: boolean
  /** When it is locked again. */
  readonly locksAtMs?: number | undefined
  readonly hasRecovery: boolean
  /** Wrong passphrases since the last right one. */
  readonly failedAttempts: number
}

export interface SuccessionAnswer {
  /** 1 for the first root after the one that made the tree. */
  readonly generation: number
  readonly root: string
  readonly keptCaps: number
  /** Grants that the new root issued again. */
  readonly regranted: number
  /** Links that no longer open anything. */
  readonly linksEnded: number
  readonly zonesRekeyed: number
  /** Zones and blocks that somebody else has to change. */
  readonly skipped: readonly { readonly target: string; readonly reason: string }[]
}

export interface PrincipalMethods {
  readonly 'session.as': Shape<{ readonly principal: string }, PrincipalSummary>
  readonly 'session.show': Shape<Empty, PrincipalSummary>
  readonly 'principal.create': Shape<
    { readonly name: string },
    PrincipalSummary & { readonly record: Uint8Array }
  >
  readonly 'principal.list': Shape<Empty, { readonly principals: readonly PrincipalSummary[] }>
  readonly 'principal.show': Shape<
    { readonly principal: string },
    PrincipalSummary & { readonly record: Uint8Array }
  >
  readonly 'principal.import': Shape<
    { readonly record: Uint8Array; readonly name?: string | undefined },
    PrincipalSummary
  >
  readonly 'root.unlock': Shape<{ readonly passphrase: string }, RootStatus>
  readonly 'root.lock': Shape<Empty, RootStatus>
  readonly 'root.status': Shape<Empty, RootStatus>
  readonly 'root.prepareSuccession': Shape<
    { readonly passphrase?: string | undefined },
    {
      readonly newRoot: string
      /** Shown once and kept nowhere; absent when one was given. */
      readonly passphrase?: string | undefined
      /** The next recovery key, in lines; shown once and kept nowhere. */
      readonly recovery: readonly string[]
    }
  >
  readonly 'root.succeed': Shape<
    {
      /** The present recovery key as text. */
      readonly recovery?: string | undefined
      /** Or a file on the host that holds it. */
      readonly recoveryFile?: string | undefined
      /** Of the prepared key. */
      readonly passphrase: string
      /** Caps that go on; all live ones when absent. */
      readonly keepCaps?: readonly string[] | undefined
      /** After a theft: what was written under former roots after this time counts no longer. */
      readonly sinceMs?: number | undefined
    },
    SuccessionAnswer
  >
  readonly 'key.backup': Shape<
    { readonly file: string; readonly passphrase: string },
    { readonly keys: readonly string[]; readonly bytes: number }
  >
  readonly 'key.restore': Shape<
    { readonly file: string; readonly passphrase: string },
    { readonly restored: readonly string[]; readonly kept: readonly string[] }
  >
  readonly 'key.passphrase': Shape<{ readonly current: string; readonly next: string }, Empty>
}

const summary = {
  id: identifier,
  name: schema.string(),
  isLocal: schema.boolean(),
  isRoot: schema.boolean(),
  isNode: schema.boolean()
}
const recordBytes = schema.bytes({ bytesMin: 1, bytesMax: 256 * 1024 })
const rootStatus = schema.object({
  isUnlocked: schema.boolean(),
  locksAtMs: schema.optional(timeMs),
  hasRecovery: schema.boolean(),
  failedAttempts: size
})
const keyName = schema.string({ charactersMin: 1, charactersMax: 64 })

const definitions = [
  defineMethod({
    name: 'session.as',
    summary: 'Lets this connection act as another local principal',
    params: schema.object({ principal: principalName }),
    result: schema.object(summary),
    errors: errors('ERR_PRINCIPAL_UNKNOWN', 'ERR_ROOT_LOCKED')
  }),
  defineMethod({
    name: 'session.show',
    summary: 'The principal this connection acts as',
    result: schema.object(summary)
  }),
  defineMethod({
    name: 'principal.create',
    summary:
      'Makes a further local principal with keys of its own; it may do nothing until somebody grants it',
    params: schema.object({ name: keyName }),
    result: schema.object({ ...summary, record: recordBytes }),
    errors: errors('ERR_PRINCIPAL_NAME')
  }),
  defineMethod({
    name: 'principal.list',
    summary: 'Local and imported principals',
    result: schema.object({ principals: schema.array(schema.object(summary)) })
  }),
  defineMethod({
    name: 'principal.show',
    summary: 'One principal with its self-signed public record',
    params: schema.object({ principal: principalName }),
    result: schema.object({ ...summary, record: recordBytes }),
    errors: errors('ERR_PRINCIPAL_UNKNOWN')
  }),
  defineMethod({
    name: 'principal.import',
    summary: 'Takes the public record of somebody else, so that it can be granted something',
    params: schema.object({ record: recordBytes, name: schema.optional(keyName) }),
    result: schema.object(summary),
    errors: errors('ERR_ACCESS_LINE', 'ERR_PRINCIPAL_NAME')
  }),
  defineMethod({
    name: 'root.unlock',
    summary: 'Opens the root key for what only the owner may do; it locks itself again',
    params: schema.object({ passphrase: secretText }),
    result: rootStatus,
    errors: errors('ERR_ROOT_PASSPHRASE', 'ERR_ROOT_ATTEMPTS')
  }),
  defineMethod({ name: 'root.lock', summary: 'Wipes the root key from memory', result: rootStatus }),
  defineMethod({
    name: 'root.status',
    summary: 'Whether the root key is unlocked, and until when',
    result: rootStatus
  }),
  defineMethod({
    name: 'root.prepareSuccession',
    summary: 'Stores a new root key beside the present one, and shows what has to be written down',
    description: 'Changes nothing for the tree. Repeating it makes another key and forgets the former one.',
    params: schema.object({ passphrase: schema.optional(secretText) }),
    result: schema.object({
      newRoot: identifier,
      passphrase: schema.optional(secretText),
      recovery: schema.array(schema.string())
    })
  }),
  defineMethod({
    name: 'root.succeed',
    summary: 'Puts the prepared root key in place of a lost or stolen one, with the recovery key',
    params: schema.object({
      recovery: schema.optional(secretText),
      recoveryFile: schema.optional(localPath),
      passphrase: secretText,
      keepCaps: schema.optional(schema.array(identifier, { itemsMax: 1000 })),
      sinceMs: schema.optional(timeMs)
    }),
    result: schema.object({
      generation: size,
      root: identifier,
      keptCaps: size,
      regranted: size,
      linksEnded: size,
      zonesRekeyed: size,
      skipped: schema.array(schema.object({ target: identifier, reason: schema.string() }))
    }),
    errors: errors(
      'ERR_SUCCESSION_UNPREPARED',
      'ERR_SUCCESSION_NONE',
      'ERR_RECOVERY_KEY',
      'ERR_ROOT_PASSPHRASE',
      'ERR_PATH_LOCAL'
    )
  }),
  defineMethod({
    name: 'key.backup',
    summary: 'Writes all keys of this node to one file sealed under a passphrase',
    params: schema.object({ file: localPath, passphrase: secretText }),
    result: schema.object({ keys: schema.array(schema.string()), bytes: size }),
    errors: errors('ERR_PATH_LOCAL')
  }),
  defineMethod({
    name: 'key.restore',
    summary: 'Takes keys from a key backup; keys of the same name are kept as they are',
    params: schema.object({ file: localPath, passphrase: secretText }),
    result: schema.object({ restored: schema.array(schema.string()), kept: schema.array(schema.string()) }),
    errors: errors('ERR_PATH_LOCAL', 'ERR_KEY_BACKUP')
  }),
  defineMethod({
    name: 'key.passphrase',
    summary: 'Seals the root key under another passphrase',
    params: schema.object({
      current: secretText,
      next: schema.string({ charactersMin: 12, charactersMax: 1024 })
    }),
    errors: errors('ERR_ROOT_PASSPHRASE', 'ERR_ROOT_ATTEMPTS')
  })
] as const

export const principalMethodTable: MethodTable<PrincipalMethods> = createMethodTable(definitions)
