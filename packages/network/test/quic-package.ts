/** Whether the package for QUIC is installed, and has native code for this machine. */
const name: string = '@chainsafe/libp2p-quic'

export const isQuicInstalled: boolean = await import(name).then(
  () => true,
  () => false
)
