/** Replication of trees between nodes (pure over ports). */
export {}
