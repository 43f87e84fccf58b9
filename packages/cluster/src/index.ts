/** Who is in the cluster: hello, gate, addresses, joining, messages between nodes (pure over ports). */
export {}
