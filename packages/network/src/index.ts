/** Connections between nodes: one port; memory, libp2p and TLS drivers. */
export {}
