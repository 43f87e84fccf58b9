/** app.*: installed apps, what they may do, and what they say. */
import { createMethodTable, defineMethod, type MethodTable, schema } from '@blocktree/rpc'
import { errors } from './error-list.ts'
import {
  type DownloadShape,
  type Empty,
  path,
  type Shape,
  size,
  type SubscriptionShape,
  timeMs,
  type UploadShape
} from './shape.ts'

export interface AppPermission {
  readonly name: string
  /** What it allows, as a sentence. */
  readonly sentence: string
  /** The author's words. */
  readonly reason: string
  readonly optional: boolean
  /** Of `folder` and `file` the person chooses an object. */
  readonly object?: 'own' | 'folder' | 'file' | undefined
}

/** What a package says of itself, proven by its signature and hashes. */
export interface AppDescription {
  readonly name: string
  readonly title: string
  readonly version: number
  readonly versionText: string
  readonly description: string
  readonly licence: string
  readonly appId: string
  /** Principal that signed it: compare it with what the author publishes. */
  readonly author: string
  readonly moduleHash: string
  readonly size: string
  readonly permissions: readonly AppPermission[]
  /** A sentence for each limit above the usual. */
  readonly limits: readonly string[]
  /** When an app of this id is installed under the name: what an upgrade would change. */
  readonly upgrade?:
    | {
        readonly fromVersion: number
        readonly added: readonly string[]
        readonly changed: readonly string[]
        readonly removed: readonly string[]
        readonly limits: readonly string[]
        /** Names of the permissions that are new, or granted and wider: to be named in `accept` or `decline`. */
        readonly asksFor: readonly string[]
        /** Limits that rise, with their new values. */
        readonly raises: Readonly<Record<string, number>>
        readonly needsConsent: boolean
      }
    | undefined
}

export interface AppSummary {
  readonly name: string
  readonly title: string
  readonly version: number
  readonly versionText: string
  /** `running`, `idle`, `backing-off`, `suspended`, `stopped`, `damaged`. */
  readonly state: string
  /** Why it does not run though it should. */
  readonly problem?: string | undefined
  /** Where it answers on this machine. */
  readonly url?: string | undefined
  /** It ran on this node before, or does, and what is there was agreed to here; else somebody here has to agree first. */
  readonly isHere: boolean
}

export interface AppGrantSummary {
  readonly name: string
  readonly sentence: string
  readonly reason: string
  readonly isGranted: boolean
  /** The object that was chosen. */
  readonly path?: string | undefined
  /** Asked for at run time. */
  readonly isAsked: boolean
  readonly optional: boolean
}

export interface AppDetails extends AppSummary {
  readonly appId: string
  readonly author: string
  readonly moduleHash: string
  readonly installation: string
  readonly engine?: string | undefined
  readonly level?: string | undefined
  readonly processes: readonly number[]
  readonly invocations: number
  readonly crashes: number
  readonly openHandles: number
  readonly stateBytes: number
}

export interface AppLogEntry {
  readonly timeMs: number
  readonly app: string
  readonly level: 'debug' | 'info' | 'warning' | 'error'
  /** `app`: its own words; `host`: what the node says about it. */
  readonly source: 'app' | 'host'
  readonly message: string
}

export interface AppQuestion {
  readonly number: number
  readonly app: string
  readonly name: string
  readonly object: 'folder' | 'file'
  readonly rights: readonly string[]
  readonly reason: string
  readonly askedMs: number
}

interface ConsentParameters {
  /** Optional permissions that are not granted. */
  readonly decline?: readonly string[] | undefined
  /** By permission: the file or folder that is chosen for it. */
  readonly objects?: Readonly<Record<string, string>> | undefined
}

interface UpgradeParameters {
  /** Permissions that were agreed to, of those in `asksFor`. */
  readonly accept?: readonly string[] | undefined
  /** Limits that may rise, and how far. */
  readonly limits?: Readonly<Record<string, number>> | undefined
}

interface Named {
  readonly name: string
}

export interface AppMethods {
  readonly 'app.inspect': UploadShape<{ readonly name?: string | undefined }, AppDescription>
  readonly 'app.install': UploadShape<ConsentParameters & { readonly name?: string | undefined }, AppSummary>
  readonly 'app.upgrade': UploadShape<ConsentParameters & UpgradeParameters & Named, AppSummary>
  readonly 'app.list': Shape<Empty, { readonly apps: readonly AppSummary[] }>
  readonly 'app.info': Shape<Named, AppDetails>
  readonly 'app.grants': Shape<Named, { readonly grants: readonly AppGrantSummary[] }>
  readonly 'app.grant': Shape<
    Named & { readonly permission: string; readonly path?: string | undefined },
    { readonly grants: readonly AppGrantSummary[] }
  >
  readonly 'app.revoke': Shape<
    Named & { readonly permission: string },
    { readonly grants: readonly AppGrantSummary[] }
  >
  readonly 'app.start': Shape<Named & { readonly isAgreed?: boolean | undefined }, AppSummary>
  readonly 'app.stop': Shape<Named, AppSummary>
  readonly 'app.restart': Shape<Named, AppSummary>
  readonly 'app.uninstall': Shape<
    Named & { readonly keepData?: boolean | undefined },
    { readonly keptAt?: string | undefined }
  >
  readonly 'app.export': DownloadShape<Named, { readonly version: number; readonly bytes: number }>
  readonly 'app.logs': Shape<
    Named & { readonly limit?: number | undefined },
    { readonly entries: readonly AppLogEntry[] }
  >
  readonly 'app.follow': SubscriptionShape<
    { readonly name?: string | undefined },
    { readonly subscription: number },
    AppLogEntry
  >
  readonly 'app.questions': Shape<Empty, { readonly questions: readonly AppQuestion[] }>
  readonly 'app.answer': Shape<
    { readonly number: number; readonly path?: string | undefined },
    { readonly app: string; readonly outcome: 'granted' | 'declined' }
  >
}

const text = schema.string()
const flag = schema.optional(schema.boolean())
const appName = schema.described(
  schema.string({ charactersMin: 1, charactersMax: 64 }),
  'name under which the app is installed'
)
const permission = schema.string({ charactersMin: 1, charactersMax: 64 })
const consent = {
  decline: schema.optional(schema.array(permission)),
  objects: schema.optional(schema.record(path))
}
const agreed = {
  accept: schema.described(
    schema.optional(schema.array(permission)),
    'permissions agreed to: the new ones, and granted ones that ask for more (upgrade.asksFor of app.inspect)'
  ),
  limits: schema.described(
    schema.optional(schema.record(schema.integer({ min: 0 }))),
    'limits that may rise, and how far (upgrade.raises of app.inspect)'
  )
}

const summary = {
  name: text,
  title: text,
  version: schema.integer(),
  versionText: text,
  state: text,
  problem: schema.optional(text),
  url: schema.optional(text),
  isHere: schema.boolean()
}
const appSummary = schema.object(summary)

const description = schema.object({
  name: text,
  title: text,
  version: schema.integer(),
  versionText: text,
  description: text,
  licence: text,
  appId: text,
  author: text,
  moduleHash: text,
  size: text,
  permissions: schema.array(
    schema.object({
      name: text,
      sentence: text,
      reason: text,
      optional: schema.boolean(),
      object: schema.optional(schema.enumeration(['own', 'folder', 'file']))
    })
  ),
  limits: schema.array(text),
  upgrade: schema.optional(
    schema.object({
      fromVersion: schema.integer(),
      added: schema.array(text),
      changed: schema.array(text),
      removed: schema.array(text),
      limits: schema.array(text),
      asksFor: schema.array(text),
      raises: schema.record(schema.integer()),
      needsConsent: schema.boolean()
    })
  )
})

const grants = schema.object({
  grants: schema.array(
    schema.object({
      name: text,
      sentence: text,
      reason: text,
      isGranted: schema.boolean(),
      path: schema.optional(text),
      isAsked: schema.boolean(),
      optional: schema.boolean()
    })
  )
})

const logEntry = schema.object({
  timeMs,
  app: text,
  level: schema.enumeration(['debug', 'info', 'warning', 'error']),
  source: schema.enumeration(['app', 'host']),
  message: text
})

const packageErrors = [
  'ERR_PACKAGE_FORMAT',
  'ERR_PACKAGE_SIGNATURE',
  'ERR_PACKAGE_HASH',
  'ERR_PACKAGE_ABI',
  'ERR_APP_MODULE'
] as const

const definitions = [
  defineMethod({
    name: 'app.inspect',
    summary: 'Checks a package and says what the app is and asks for; nothing is installed',
    params: schema.object({ name: schema.optional(appName) }),
    result: description,
    stream: 'upload',
    errors: errors(...packageErrors, 'ERR_APP_NAME')
  }),
  defineMethod({
    name: 'app.install',
    summary: 'Installs an app with the permissions that are not declined, and starts it',
    params: schema.object({ name: schema.optional(appName), ...consent }),
    result: appSummary,
    stream: 'upload',
    errors: errors(...packageErrors, 'ERR_APP_NAME', 'ERR_APP_EXISTS', 'ERR_APP_CONSENT', 'ERR_APP_FAILED')
  }),
  defineMethod({
    name: 'app.upgrade',
    summary: 'Puts a newer version in place; code and data go back when it fails',
    params: schema.object({ name: appName, ...consent, ...agreed }),
    result: appSummary,
    stream: 'upload',
    errors: errors(
      ...packageErrors,
      'ERR_APP_UNKNOWN',
      'ERR_APP_ELSEWHERE',
      'ERR_APP_CONSENT',
      'ERR_APP_ROLLED_BACK',
      'ERR_PACKAGE_OTHER_APP',
      'ERR_PACKAGE_DOWNGRADE',
      'ERR_PACKAGE_UPGRADE_GAP'
    )
  }),
  defineMethod({
    name: 'app.list',
    summary: 'Installed apps and how they fare',
    result: schema.object({ apps: schema.array(appSummary) })
  }),
  defineMethod({
    name: 'app.info',
    summary: 'Everything about one installed app',
    params: schema.object({ name: appName }),
    result: schema.object({
      ...summary,
      appId: text,
      author: text,
      moduleHash: text,
      installation: text,
      engine: schema.optional(text),
      level: schema.optional(text),
      processes: schema.array(schema.integer()),
      invocations: size,
      crashes: size,
      openHandles: size,
      stateBytes: size
    }),
    errors: errors('ERR_APP_UNKNOWN', 'ERR_APP_DAMAGED')
  }),
  defineMethod({
    name: 'app.grants',
    summary: 'What an app asks for, and what of it is granted',
    params: schema.object({ name: appName }),
    result: grants,
    errors: errors('ERR_APP_UNKNOWN')
  }),
  defineMethod({
    name: 'app.grant',
    summary: 'Grants a permission of the manifest that is not granted',
    params: schema.object({ name: appName, permission, path: schema.optional(path) }),
    result: grants,
    errors: errors('ERR_APP_UNKNOWN', 'ERR_APP_PERMISSION', 'ERR_APP_CONSENT')
  }),
  defineMethod({
    name: 'app.revoke',
    summary: 'Takes a permission back; holds at once, also for what the app has open',
    params: schema.object({ name: appName, permission }),
    result: grants,
    errors: errors('ERR_APP_UNKNOWN', 'ERR_APP_PERMISSION')
  }),
  defineMethod({
    name: 'app.start',
    summary:
      'Starts an app on this node, now and with the node; also one that was suspended, and, agreed to, one from another node',
    params: schema.object({ name: appName, isAgreed: schema.optional(schema.boolean()) }),
    result: appSummary,
    errors: errors(
      'ERR_APP_UNKNOWN',
      'ERR_APP_ELSEWHERE',
      'ERR_APP_CONSENT',
      'ERR_APP_RIGHTS',
      'ERR_APP_FAILED'
    )
  }),
  defineMethod({
    name: 'app.stop',
    summary: 'Stops an app until it is started again',
    params: schema.object({ name: appName }),
    result: appSummary,
    errors: errors('ERR_APP_UNKNOWN')
  }),
  defineMethod({
    name: 'app.restart',
    summary: 'Stops and starts an app',
    params: schema.object({ name: appName }),
    result: appSummary,
    errors: errors('ERR_APP_UNKNOWN', 'ERR_APP_FAILED')
  }),
  defineMethod({
    name: 'app.uninstall',
    summary: 'Removes an app and its grants; its data too, unless keepData',
    params: schema.object({ name: appName, keepData: flag }),
    result: schema.object({ keptAt: schema.optional(path) }),
    errors: errors('ERR_APP_UNKNOWN')
  }),
  defineMethod({
    name: 'app.export',
    summary: 'The package of an installed app, as it was installed',
    params: schema.object({ name: appName }),
    result: schema.object({ version: schema.integer(), bytes: size }),
    stream: 'download',
    errors: errors('ERR_APP_UNKNOWN')
  }),
  defineMethod({
    name: 'app.logs',
    summary: 'The newest lines of an app, and what the node says about it, oldest first',
    params: schema.object({ name: appName, limit: schema.optional(schema.integer({ min: 1, max: 500 })) }),
    result: schema.object({ entries: schema.array(logEntry) }),
    errors: errors('ERR_APP_UNKNOWN')
  }),
  defineMethod({
    name: 'app.follow',
    summary: 'Tells each new line of one app, or of all, until it is unsubscribed',
    params: schema.object({ name: schema.optional(appName) }),
    result: schema.object({ subscription: size }),
    event: logEntry
  }),
  defineMethod({
    name: 'app.questions',
    summary: 'What apps ask the person for, oldest first',
    result: schema.object({
      questions: schema.array(
        schema.object({
          number: schema.integer(),
          app: text,
          name: text,
          object: schema.enumeration(['folder', 'file']),
          rights: schema.array(text),
          reason: text,
          askedMs: timeMs
        })
      )
    })
  }),
  defineMethod({
    name: 'app.answer',
    summary: 'Answers a question of an app: with the file or folder that is picked, or with none',
    params: schema.object({ number: schema.integer({ min: 1 }), path: schema.optional(path) }),
    result: schema.object({ app: text, outcome: schema.enumeration(['granted', 'declined']) }),
    errors: errors('ERR_APP_QUESTION', 'ERR_APP_CONSENT')
  })
] as const

export const appMethodTable: MethodTable<AppMethods> = createMethodTable(definitions)
