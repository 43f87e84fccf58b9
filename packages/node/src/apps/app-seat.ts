/**
 * What a node keeps of an app that runs on it, beside what all nodes share: under which principal it acts there, whether
 * it is to run, and what of the permissions that reach the machine was agreed to there. One file for each node, so that two
 * never write the same (doc/spec/23-installed-apps.md, section 2).
 */
import { type AppGrant, type GrantedPermission, writeScope } from '@blocktree/app-package'
import { type CanonicalReader, CanonicalWriter, equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Sharing } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import type { AgreedRelease } from './agreed-release.ts'
import { type AppFile, damagedAppFile, decodeAppFile } from './app-file.ts'
import type { AppPlace } from './app-place.ts'
import type { InstallationDeps } from './installation.ts'

export interface AppSeat {
  /** Under which the app acts on this node; its key is there alone. */
  readonly principal: Id
  /** The person wants it to run there. */
  readonly isEnabled: boolean
  /** Permissions that reach the machine and were agreed to there, by name. */
  readonly agreed: ReadonlyMap<string, Uint8Array>
  /** What was agreed to; undefined in a file from before that was kept: it counts for what is there at the next start. */
  readonly release: AgreedRelease | undefined
}

const domain = 'blocktree-app-node'
const agreedMax = 256
const nameBytesMax = 64

/** Always as version 2. */
export function encodeAppSeat({ principal, isEnabled, agreed, release }: AppSeat): Uint8Array {
  const writer = new CanonicalWriter().array(6).str(domain).uint(2).bin(principal).boolean(isEnabled)
  const rows = [...agreed].toSorted(([one], [other]) => (one < other ? -1 : 1))
  writer.array(rows.length)
  for (const [name, hash] of rows) writer.array(2).str(name).bin(hash)
  return writer
    .optional(release, (one) => writer.array(3).bin(one.appId).uint(one.version).bin(one.releaseId))
    .finish()
}

/** @throws ERR_APP_DAMAGED */
export function decodeAppSeat(bytes: Uint8Array, name: string): AppSeat {
  const file: AppFile = {
    domain,
    fields: [5, 6],
    title: `what a node keeps of app "${name}"`,
    place: `its file in /apps/${name}/nodes`
  }
  return decodeAppFile(bytes, file, (reader, version) => ({
    principal: reader.bin(32, 32).slice(),
    isEnabled: reader.boolean(),
    agreed: readAgreed(reader, file),
    release: version === 1 ? undefined : reader.optional(() => readRelease(reader))
  }))
}

function readRelease(reader: CanonicalReader): AgreedRelease {
  reader.arrayOf(3)
  return { appId: reader.bin(32, 32).slice(), version: reader.uint(), releaseId: reader.bin(32, 32).slice() }
}

function readAgreed(reader: CanonicalReader, file: AppFile): AppSeat['agreed'] {
  const agreed = new Map<string, Uint8Array>()
  let last = ''
  for (let left = reader.array(agreedMax); left > 0; left--) {
    reader.arrayOf(2)
    const permission = reader.str(nameBytesMax)
    if (permission <= last) throw damagedAppFile(file)
    agreed.set(permission, reader.bin(32, 32).slice())
    last = permission
  }
  return agreed
}

export function seatPath(place: AppPlace, node: Id): string {
  return `${place.nodes}/${node.toHex()}`
}

/**
 * undefined when the app never ran on that node, and when somebody else wrote its file: consent is given on each machine.
 * @throws ERR_APP_DAMAGED
 */
export function readSeat({ files, owner }: InstallationDeps, place: AppPlace, node: Id): AppSeat | undefined {
  const path = seatPath(place, node)
  if (!files.exists(owner, path) || !equalBytes(files.stat(owner, path).signer, node)) return undefined
  return decodeAppSeat(files.read(owner, path).bytes, place.name)
}

export async function writeSeat(deps: InstallationDeps, place: AppPlace, seat: AppSeat): Promise<AppSeat> {
  const { files, owner } = deps
  if (!files.exists(owner, place.nodes)) await files.makeDirectory(owner, place.nodes)
  await files.create(owner, seatPath(place, owner.id), encodeAppSeat(seat), { replace: true })
  return seat
}

/**
 * Principals under which it acts on other nodes. What cannot be read is left out, as is what another node wrote there, and
 * whoever has no right of its own to the app's data: a file must not name somebody else whose rights are ended then.
 */
export async function otherPrincipals(
  deps: InstallationDeps & { readonly sharing: Pick<Sharing, 'listCaps'> },
  place: AppPlace
): Promise<readonly Id[]> {
  const { files, owner, sharing } = deps
  if (!files.exists(owner, place.nodes) || !files.exists(owner, place.data)) return []
  const subjects = new Set(
    sharing.listCaps(owner, { path: place.data }).map(({ subject }) => subject.toHex())
  )
  const { entries } = await files.list(owner, place.nodes, { limit: nodesMax })
  return entries.flatMap(({ name, kind, signer }): readonly Id[] => {
    if (kind !== 'file' || name !== signer.toHex() || equalBytes(signer, owner.id)) return []
    try {
      const seat = readSeat(deps, place, signer)
      return seat !== undefined && subjects.has(seat.principal.toHex()) ? [seat.principal] : []
    } catch {
      return []
    }
  })
}

const nodesMax = 1000

/**
 * Files, folders and messages are of the tree: consent to them holds on all nodes. What an app may reach from a machine
 * (its network, its ports, its public name) is agreed to on each.
 */
export function reachesMachine({ scope: { kind } }: Pick<GrantedPermission, 'scope'>): boolean {
  return kind === 'http-client' || kind === 'http-server' || kind === 'sockets'
}

/** All that the grant has of it now. */
export function agreeToAll(
  crypto: CryptoProvider,
  { permissions }: Pick<AppGrant, 'permissions'>
): AppSeat['agreed'] {
  const reaching = permissions.filter(reachesMachine)
  return new Map(reaching.map((one) => [one.name, scopeHash(crypto, one)]))
}

/** False for what reaches the machine and was never agreed to there, or was narrower then. */
export function isAgreed(
  crypto: CryptoProvider,
  { agreed }: AppSeat,
  permission: GrantedPermission
): boolean {
  const hash = agreed.get(permission.name)
  return (
    !reachesMachine(permission) || (hash !== undefined && equalBytes(hash, scopeHash(crypto, permission)))
  )
}

function scopeHash(crypto: CryptoProvider, { scope }: GrantedPermission): Uint8Array {
  const writer = new CanonicalWriter().array(2).str(scope.kind)
  writeScope(writer, scope)
  return crypto.sha256(writer.finish())
}
