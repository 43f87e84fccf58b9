/** A method table as an OpenRPC 1.3 document: the answer of `rpc.discover`. */
import type { AnyMethod, MethodShapes, MethodTable } from './method-table.ts'
import { numericOfCode } from './rpc-error.ts'
import { protocolMethods } from './server-methods.ts'

export interface OpenRpcDocument {
  readonly openrpc: string
  readonly info: { readonly title: string; readonly version: string }
  readonly methods: readonly Readonly<Record<string, unknown>>[]
}

export interface ServiceInfo {
  readonly title: string
  readonly version: string
}

export function describeTable<M extends MethodShapes<M>>(
  table: MethodTable<M>,
  info: ServiceInfo
): OpenRpcDocument {
  const methods = [...table.methods.values(), ...protocolMethods]
  return { openrpc: '1.3.2', info, methods: methods.map(describeMethod) }
}

function describeMethod(method: AnyMethod): Readonly<Record<string, unknown>> {
  const params = Object.entries(method.params.fields).map(([name, schema]) => ({
    name,
    required: !schema.optional,
    schema: schema.jsonSchema
  }))
  return {
    name: method.name,
    summary: method.summary,
    ...(method.description === undefined ? {} : { description: method.description }),
    paramStructure: 'by-name',
    params,
    result: { name: 'result', schema: method.result.jsonSchema },
    errors: method.errors.map(({ code, summary }) => ({
      code: numericOfCode(code),
      message: summary,
      data: { code }
    })),
    ...(method.stream === 'none' ? {} : { 'x-stream': method.stream }),
    ...(method.event === undefined ? {} : { 'x-event': method.event.jsonSchema })
  }
}
