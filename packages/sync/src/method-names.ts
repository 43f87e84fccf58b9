/** What a node answers and hears for replication (spec 28, section 28.2): whoever joins it to a router registers all of these. */

export const methodNames = {
  requests: ['sync.open', 'sync.nodes', 'sync.receipt', 'sync.seen', 'sync.challenge'],
  streams: ['sync.records', 'sync.headers', 'sync.sectors', 'sync.watch'],
  events: ['sync.push', 'sync.have', 'sync.behind', 'sync.doubt']
} as const
