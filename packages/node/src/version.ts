/** The version of this program, as status, discovery and node.json tell it. */
export const version = '0.1.0'
