/** The version of this program, as status, discovery and node.json tell it. */
export const version = '0.1.0'

/** When this release was made, in milliseconds since 1970; set with the version. A clock that says less is wrong. */
export const releasedMs: number = Date.UTC(2026, 10, 21)
