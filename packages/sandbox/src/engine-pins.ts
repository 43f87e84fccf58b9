/** The one version of libwasmtime that this release speaks to, and the hashes of the files that hold it. */
export const pinnedEngineVersion = '49.0.0'

export interface EnginePin {
  /** `process.platform` and `process.arch`. */
  readonly platform: string
  /** File name of the wheel on the Python package index. */
  readonly wheel: string
  readonly wheelSha256: string
  /** Path of the library inside the wheel. */
  readonly entry: string
  readonly librarySha256: string
}

export const enginePins: readonly EnginePin[] = [
  {
    platform: 'linux-x64',
    wheel: 'wasmtime-49.0.0-py3-none-manylinux1_x86_64.whl',
    wheelSha256: '94f0288f9e1c33924995a72bb769f4c4e2885002391589dd6992cdaa35d1990a',
    entry: 'wasmtime/linux-x86_64/_libwasmtime.so',
    librarySha256: '9594714d3c73c3087ab3d42d9614cf72973b25c181b8625ffcc46a8a75972d7e'
  }
]
