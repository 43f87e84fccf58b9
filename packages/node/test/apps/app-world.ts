/** Installed apps over the core in memory: the host as the node joins it, with a function in the place of each guest. */
import {
  type HostEventName,
  type ManifestDraft,
  type Permission,
  type RequestedLimits,
  hostEvents,
  packApp
} from '@blocktree/app-package'
import { type AppLogLine, LockTable, MessageSwitch, QuestionDesk } from '@blocktree/apps'
import { createMemoryKeyStorage, createPrincipalSecret, type KeyStorage } from '@blocktree/crypto'
import { type ScriptedHost, createScriptedRunner } from '@blocktree/sandbox/memory'
import { AppHost } from '../../src/apps/app-host.ts'
import { AppLog } from '../../src/apps/app-log.ts'
import { createHttpPort } from '../../src/apps/http-port.ts'
import { createSocketPort } from '../../src/apps/socket-port.ts'
import { createTimerPort } from '../../src/apps/timer-port.ts'
import { openPrincipalDirectory, type PrincipalDirectory } from '../../src/principal-directory.ts'
import type { SpaceGuard } from '../../src/space-guard.ts'
import { clock, crypto, firstImage, nextProcess, people, type World } from '../crash/crash-world.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'

/** Exports what every app exports; a scripted guest answers in its place. */
const emptyApp: Uint8Array = Buffer.from(
  'AGFzbQEAAAABEQNgAAF/YAF/AX9gA39/fwF+AwQDAAECBQMBAAEHMQQGbWVtb3J5AgAOYnRfYWJpX3ZlcnNpb24AAAhidF9hbGxvYwABCGJ0X2V2ZW50AAIKEAMEAEEBCwQAQQALBABCAAs=',
  'base64'
)

/** What a guest does with an event; undefined is success. */
export type Guest = (event: HostEventName, host: ScriptedHost) => unknown

export interface AppWorld extends World {
  readonly host: AppHost
  readonly principals: PrincipalDirectory
  readonly questions: QuestionDesk
  readonly lines: AppLogLine[]
  guest: Guest
}

/**
 * @param keys of an earlier world, when this is the same machine
 * @param node whose machine it is
 */
export async function openAppWorld(
  world?: World,
  keys: KeyStorage = createMemoryKeyStorage({ crypto }),
  node: 'node' | 'second' = 'node'
): Promise<AppWorld> {
  const base = world ?? (await nextProcess(await firstImage(), 'apps'))
  const { store, tree, files, sharing } = base
  await keepNodeKey(keys, node)
  const principals = await openPrincipalDirectory({ keys, crypto, tree, store, files, root: noRoot })
  const lines: AppLogLine[] = []
  const timers = createTimerPort()
  const questions = new QuestionDesk({ timers, now: clock.now })
  let token = 0
  const opened = { guest: (() => undefined) as Guest }
  const host = new AppHost({
    crypto,
    files,
    tree,
    sharing,
    principals,
    owner: principals.node,
    space: anySpace,
    content: { hold: () => Promise.resolve(() => undefined) },
    treeId: tree.tree ?? people.node.id,
    now: clock.now,
    log: new AppLog(clock.now),
    services: {
      runner: createScriptedRunner(async (kind, _payload, guestHost) => {
        const event = eventOf(kind)
        return encodeAnswer(event, await opened.guest(event, guestHost))
      }),
      locks: new LockTable({ timers, nextToken: () => (token += 1) }),
      messages: new MessageSwitch(),
      questions,
      http: createHttpPort(),
      sockets: createSocketPort(),
      timers,
      clock,
      random: crypto.random,
      log: (line) => lines.push(line)
    }
  })
  return Object.assign(opened, base, { owner: principals.node, host, principals, questions, lines })
}

/** The key of the owner of the world, under the name that a node gives its own. */
async function keepNodeKey(keys: KeyStorage, node: string): Promise<void> {
  if ((await keys.list()).includes('node')) return
  const random = createSeededRandom(`principal ${node}`)
  await keys.create('node', createPrincipalSecret(random.bytes(32), random.bytes(32)))
}

/** A disk without end. */
export const anySpace: SpaceGuard = {
  expectRoom: () => undefined,
  guarded: async function* (chunks) {
    yield* chunks
  },
  during: (signal, work) => work(signal)
}

const noRoot = {
  state: { isUnlocked: false, locksAtMs: undefined, failedAttempts: 0 },
  unlock: () => Promise.reject(new Error('there is no root key here')),
  lock: () => undefined,
  principal: () => {
    throw new Error('there is no root key here')
  },
  changePassphrase: () => Promise.reject(new Error('there is no root key here')),
  onLock: () => undefined
}

export interface Version {
  readonly version: number
  readonly permissions?: readonly Permission[]
  readonly limits?: RequestedLimits
  readonly author?: typeof people.node
}

export function packVersion({
  version,
  permissions = [],
  limits = {},
  author = people.node
}: Version): Uint8Array {
  const { id, key, record } = author
  const draft: ManifestDraft = {
    name: 'notes',
    version,
    versionText: String(version),
    minUpgradableVersion: 1,
    permissions,
    limits,
    routes: [],
    title: 'Notes',
    description: 'Short texts, found again.',
    licence: 'MIT',
    icon: undefined
  }
  const authorRecord = record.bytes
  return packApp(crypto, { draft, module: emptyApp, assets: new Map(), signer: { id, key }, authorRecord })
}

export const folder: Permission = {
  name: 'letters',
  scope: { kind: 'files', object: 'folder', rights: ['read', 'list'] },
  reason: 'Shows your letters',
  optional: true
}

function eventOf(kind: number): HostEventName {
  for (const [name, { event }] of Object.entries(hostEvents)) {
    if (event === kind) return name as HostEventName
  }
  throw new Error(`there is no event ${kind}`)
}

function encodeAnswer(event: HostEventName, answer: unknown): Uint8Array {
  const { encodeReply } = hostEvents[event] as { encodeReply: (value: unknown) => Uint8Array }
  const isOutcome = ['init', 'migrate', 'health'].includes(event)
  return encodeReply(answer ?? (isOutcome ? { kind: 'ok', value: undefined } : undefined))
}
