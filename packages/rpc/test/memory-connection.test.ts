import { createMemoryConnection, createRpcClient, type Framing, type RpcServer } from '@blocktree/rpc'
import { type ConformanceConnection, conformanceTable, testRpcConnection } from '@blocktree/rpc/conformance'

function joinBy(split?: (chunk: Uint8Array) => readonly Uint8Array[]) {
  return async (server: RpcServer<unknown>, framing: Framing): Promise<ConformanceConnection> => {
    const [near, far] = createMemoryConnection({
      defer: setImmediate,
      ...(split === undefined ? {} : { split })
    })
    const client = createRpcClient({ connection: near, framing, table: conformanceTable })
    near.attach(client)
    far.attach(server.connect(far, undefined))
    return await Promise.resolve({ client, close: () => client.close() })
  }
}

testRpcConnection('memory', joinBy())
testRpcConnection(
  'memory in small pieces',
  joinBy((chunk) => {
    const pieces: Uint8Array[] = []
    for (let offset = 0; offset < chunk.length; offset += 997)
      pieces.push(chunk.subarray(offset, offset + 997))
    return pieces
  })
)
