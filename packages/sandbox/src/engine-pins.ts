/**
 * The one version of libwasmtime that this release speaks to, and the hashes of the files that hold it, as the Python
 * package index has them. Only linux-x64 was run; the others are pinned so that nobody has to vouch for a hash.
 */
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
  },
  {
    platform: 'linux-arm64',
    wheel: 'wasmtime-49.0.0-py3-none-manylinux2014_aarch64.whl',
    wheelSha256: '263b924576d9519c43d5a1acff50a03ab03209d16d26c53543c9ab9a409fb93f',
    entry: 'wasmtime/linux-aarch64/_libwasmtime.so',
    librarySha256: '9c8fb2de6dc11bba478e010f2b35849651ad047ebd80ec0cf695816b2e66f322'
  },
  {
    platform: 'darwin-arm64',
    wheel: 'wasmtime-49.0.0-py3-none-macosx_11_0_arm64.whl',
    wheelSha256: 'de98d6282c61d5dd4dc1ff1b410936ceb6fff3a27439e9cab51a375b8da2ec2f',
    entry: 'wasmtime/darwin-aarch64/_libwasmtime.dylib',
    librarySha256: '2cc7e37719916a84fb6c6b5e6cb6746817204e80d5a64b2c2ccff5db065b7c13'
  },
  {
    platform: 'darwin-x64',
    wheel: 'wasmtime-49.0.0-py3-none-macosx_10_13_x86_64.whl',
    wheelSha256: '839225359e01360974795bd7869c25d4305da96627df0af360b0668e20ecf1fb',
    entry: 'wasmtime/darwin-x86_64/_libwasmtime.dylib',
    librarySha256: 'e281e957cb19801186c938ca48c5c18fdfecf9a3446c90f29eb960103be49b5e'
  }
]
