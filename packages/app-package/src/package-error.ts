/** The one error class of this package for what the world can send; callers branch on `code`, never on text. */
export type PackageErrorCode =
  | 'ERR_PACKAGE_FORMAT' // the bytes are no package or record, or break the layout
  | 'ERR_PACKAGE_FORMAT_UNKNOWN' // a format that a later version may understand
  | 'ERR_PACKAGE_TRUNCATED' // the file ends before the last content
  | 'ERR_PACKAGE_TRAILING' // bytes follow the last content
  | 'ERR_PACKAGE_SIZE' // the package, its module or an asset is larger than its limit
  | 'ERR_PACKAGE_SIGNATURE' // the manifest's signature does not fit the author's key
  | 'ERR_PACKAGE_AUTHOR' // the author's record is not sound, or another principal signed
  | 'ERR_PACKAGE_APP_ID' // the app id is not made of this author and name
  | 'ERR_PACKAGE_HASH' // module or asset is not the one the manifest names
  | 'ERR_PACKAGE_MODULE' // the module is no core WebAssembly module
  | 'ERR_PACKAGE_ABI' // another kind or version of interface than this node runs
  | 'ERR_PACKAGE_MANIFEST' // a field of the manifest breaks a rule
  | 'ERR_PACKAGE_ASSET' // the name of an asset is odd, out of order or there twice
  | 'ERR_PACKAGE_ROUTE' // a route is odd, there twice, or leads nowhere
  | 'ERR_PACKAGE_PERMISSION' // a permission is malformed, or there twice
  | 'ERR_PACKAGE_LIMIT' // a requested limit is unknown or above its maximum
  | 'ERR_PACKAGE_OTHER_APP' // an upgrade with a package of another app
  | 'ERR_PACKAGE_DOWNGRADE' // an upgrade to the same or an older version
  | 'ERR_PACKAGE_UPGRADE_GAP' // the installed version is older than the package upgrades
  | 'ERR_PACKAGE_SOURCE' // app.json of a project is malformed
  | 'ERR_APP_GRANT_SIGNATURE' // the grant of an installation is not signed by the owner
  | 'ERR_APP_GRANT_WIDER' // a grant would allow more than the package asks for
  | 'ERR_PROJECT_TEMPLATE' // no such template, or a name that an app cannot have

export class PackageError extends Error {
  override readonly name = 'PackageError'
  readonly code: PackageErrorCode
  constructor(code: PackageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Runs a decoder; what the codec refuses becomes ERR_PACKAGE_FORMAT, with the reason kept. */
export function refuseAs<T>(code: PackageErrorCode, what: string, decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof PackageError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PackageError(code, `${what}: ${reason}`, { cause })
  }
}
