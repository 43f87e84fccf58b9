/**
 * TypeScript of the node's side: types, operation and event tables and strict codecs, as straight code without
 * interpretation, over packages/app-package/src/host-value.ts.
 */
import type {
  HostCase,
  HostDeclaration,
  HostEvent,
  HostField,
  HostInterface,
  HostOperation,
  HostType
} from './host-interface.ts'
import { camelCase, pascalCase } from './names.ts'

const failureType = 'failure' // a status, never a value

export function renderTypeScript(host: HostInterface): string {
  const parts = [
    header(host),
    statusTable(host),
    ...host.declarations.filter(({ name }) => name !== failureType).map(declaration),
    requestTypes('HostRequests', 'What the app asks, by operation.', host.operations),
    replyTypes('HostReplies', 'What an operation that succeeds answers.', host.operations),
    requestTypes('HostEvents', 'What the node tells the app, by event.', host.events),
    replyTypes('HostEventReplies', 'What the app answers to an event.', host.events),
    tableTypes,
    ...[...host.operations, ...host.events].map(callCodec),
    operationTable(host.operations),
    eventTable(host.events),
    numberTable(host.operations)
  ]
  return `${parts.join('\n\n')}\n`
}

function header(host: HostInterface): string {
  return `/**
 * The host interface ${host.packageName}: types, numbers and codecs. Generated from doc/spec/blocktree.wit by
 * \`npm run reference\`; do not edit. How values become bytes: doc/spec/20-app-interface.md.
 */
import { type CanonicalReader, type CanonicalWriter, type NoFields, type Outcome, decodeNothing, decodeWhole, encodeBytes,
  encodeBytesHead, encodeNothing, encodeWhole, readCase, readEnum, readList, readOutcome, writeBytes, writeEnum, writeList, writeOutcome,
  writeText, writeUint } from './host-value.ts'`
}

function statusTable(host: HostInterface): string {
  const failure = host.declarations.find(({ name }) => name === failureType)
  if (failure?.kind !== 'enum') throw new Error('the interface has no enum "failure"')
  const rows = failure.cases.map(({ name }, index) => `'${name}': ${index + 1}`)
  return `${comment(failure.text)}export type Failure = ${failure.cases.map(({ name }) => `'${name}'`).join(' | ')}

/** Status of a reply: the high half of what \`blocktree.call\` returns. */
export const hostStatus: HostStatusTable = { ok: 0, ${rows.join(', ')} }

export type HostStatusTable = Readonly<Record<'ok' | Failure, number>>`
}

function comment(text: string): string {
  return text === '' ? '' : `/** ${text} */\n`
}

function declaration(one: HostDeclaration): string {
  const type = pascalCase(one.name)
  const names = `${camelCase(one.name)}Names`
  switch (one.kind) {
    case 'enum':
      return `${comment(one.text)}export type ${type} = (typeof ${names})[number]
const ${names} = [${one.cases.map(({ name }) => `'${name}'`).join(', ')}] as const

function read${type}(reader: CanonicalReader): ${type} {
  return readEnum(reader, ${names})
}

function write${type}(writer: CanonicalWriter, value: ${type}): void {
  writeEnum(writer, ${names}, value)
}`
    case 'flags':
      return flags(type, one.text, one.cases)
    case 'record':
      return `${comment(one.text)}export interface ${type} { ${one.fields.map(fieldType).join('\n')} }

function read${type}(reader: CanonicalReader): ${type} {
  reader.arrayOf(${one.fields.length})
  return { ${one.fields.map(({ name, type }) => `${camelCase(name)}: ${read(type)}`).join(', ')} }
}

function write${type}(writer: CanonicalWriter, value: ${type}): void {
  writer.array(${one.fields.length})
  ${one.fields.map(({ name, type }) => write(type, `value.${camelCase(name)}`)).join('\n')}
}`
    case 'variant':
      return variant(type, one.text, one.cases)
  }
}

function flags(type: string, text: string, cases: readonly HostCase[]): string {
  const names = cases.map(({ name }) => camelCase(name))
  const members = cases.map(({ name, text }) => `${comment(text)}readonly ${camelCase(name)}: boolean`)
  return `${comment(text)}export interface ${type} { ${members.join('\n')} }

function read${type}(reader: CanonicalReader): ${type} {
  const bits = reader.uint(${2 ** cases.length - 1})
  return { ${names.map((name, index) => `${name}: (bits & ${2 ** index}) !== 0`).join(', ')} }
}

function write${type}(writer: CanonicalWriter, value: ${type}): void {
  writer.uint(${names.map((name, index) => `(value.${name} ? ${2 ** index} : 0)`).join(' + ')})
}`
}

function variant(type: string, text: string, cases: readonly HostCase[]): string {
  const members = cases.map(({ name, text, type }) => {
    const value = type === undefined ? '' : `; readonly value: ${typeName(type)}`
    return `${comment(text)}| { readonly kind: '${name}'${value} }`
  })
  const carrying = cases.map(({ type }) => String(type !== undefined)).join(', ')
  const readers = cases.map(({ name, type }, index) => {
    const value = type === undefined ? '' : `, value: ${read(type)}`
    return `${index === cases.length - 1 ? 'default' : `case ${index}`}: return { kind: '${name}'${value} }`
  })
  const writers = cases.map(({ name, type }, index) => {
    const value = type === undefined ? '' : write(type, 'value.value')
    return `case '${name}': writer.array(${type === undefined ? 1 : 2}).uint(${index})\n${value}\nbreak`
  })
  const carries = `${type.charAt(0).toLowerCase()}${type.slice(1)}Carries`
  return `${comment(text)}export type ${type} = ${members.join('\n')}
const ${carries}: readonly boolean[] = [${carrying}]

function read${type}(reader: CanonicalReader): ${type} {
  switch (readCase(reader, ${carries})) {
    ${readers.join('\n')}
  }
}

function write${type}(writer: CanonicalWriter, value: ${type}): void {
  switch (value.kind) {
    ${writers.join('\n')}
  }
}`
}

function fieldType({ name, text, type }: HostField): string {
  return `${comment(text)}readonly ${camelCase(name)}: ${typeName(type)}`
}

function typeName(type: HostType): string {
  switch (type.kind) {
    case 'uint':
      return 'number'
    case 'bool':
      return 'boolean'
    case 'string':
      return 'string'
    case 'bytes':
      return 'Uint8Array'
    case 'list':
      return `readonly ${typeName(type.element)}[]`
    case 'option':
      return `${typeName(type.element)} | undefined`
    case 'result':
      return `Outcome<${optionalName(type.ok)}, ${optionalName(type.error)}>`
    case 'named':
      return pascalCase(type.name)
  }
}

function optionalName(type: HostType | undefined): string {
  return type === undefined ? 'undefined' : typeName(type)
}

function number(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? '' : String(value)
}

function read(type: HostType): string {
  switch (type.kind) {
    case 'uint':
      return `reader.uint(${number(type.max)})`
    case 'bool':
      return 'reader.boolean()'
    case 'string':
      return `reader.str(${type.max})`
    case 'bytes':
      return type.min === type.max ? `reader.binExact(${type.max})` : `reader.bin(${type.max})`
    case 'list':
      return `readList(reader, ${type.max}, () => ${read(type.element)})`
    case 'option':
      return `reader.optional(() => ${read(type.element)})`
    case 'result':
      return `readOutcome(reader, [${type.ok !== undefined}, ${type.error !== undefined}], ${readPart(type.ok)}, ${readPart(type.error)})`
    case 'named':
      return `read${pascalCase(type.name)}(reader)`
  }
}

function readPart(type: HostType | undefined): string {
  return `() => ${type === undefined ? 'undefined' : read(type)}`
}

function write(type: HostType, value: string): string {
  switch (type.kind) {
    case 'uint':
      return type.max === Number.MAX_SAFE_INTEGER
        ? `writer.uint(${value})`
        : `writeUint(writer, ${value}, ${type.max})`
    case 'bool':
      return `writer.boolean(${value})`
    case 'string':
      return `writeText(writer, ${value}, ${type.max})`
    case 'bytes':
      return `writeBytes(writer, ${value}, ${type.min}, ${type.max})`
    case 'list':
      return `writeList(writer, ${value}, ${type.max}, (item) => ${write(type.element, 'item')})`
    case 'option':
      return `writer.optional(${value}, (some) => ${write(type.element, 'some')})`
    case 'result':
      return `writeOutcome(writer, ${value}, ${writePart(type.ok)}, ${writePart(type.error)})`
    case 'named':
      return `write${pascalCase(type.name)}(writer, ${value})`
  }
}

function writePart(type: HostType | undefined): string {
  return type === undefined ? 'undefined' : `(item) => ${write(type, 'item')}`
}

type Call = HostOperation | HostEvent

function requestTypes(name: string, text: string, calls: readonly Call[]): string {
  const rows = calls.map(({ name, parameters, text }) => {
    const type = parameters.length === 0 ? 'NoFields' : `{ ${parameters.map(fieldType).join('; ')} }`
    return `${comment(text)}readonly '${name}': ${type}`
  })
  return `${comment(text)}export interface ${name} { ${rows.join('\n')} }`
}

function replyTypes(name: string, text: string, calls: readonly Call[]): string {
  const rows = calls.map(({ name, reply }) => `readonly '${name}': ${optionalName(reply)}`)
  return `${comment(text)}export interface ${name} { ${rows.join('\n')} }`
}

const tableTypes = `export type HostOperationName = keyof HostRequests
export type HostEventName = keyof HostEvents
export type PermissionUse = 'always' | PermissionKind

/** Codec of the bytes of one call. Decoders return views of their input and throw CodecError. */
export interface CallCodec<Request, Reply> {
  readonly decodeRequest: (bytes: Uint8Array) => Request
  readonly encodeRequest: (request: Request) => Uint8Array
  readonly decodeReply: (bytes: Uint8Array) => Reply
  readonly encodeReply: (reply: Reply) => Uint8Array
}

export interface HostOperation<Name extends HostOperationName> extends CallCodec<HostRequests[Name], HostReplies[Name]> {
  readonly name: Name
  readonly op: number
  /** Kind of permission the call is judged under; 'always' needs no grant. */
  readonly permission: PermissionUse
  /** The right that is needed under it; undefined when the request decides, or the kind has none. */
  readonly right: string | undefined
  /** Where the reply is one byte list: what stands before its bytes, which follow as they are. */
  readonly encodeReplyHead?: (reply: HostReplies[Name]) => Uint8Array
}

export interface HostEvent<Name extends HostEventName> extends CallCodec<HostEvents[Name], HostEventReplies[Name]> {
  readonly name: Name
  readonly event: number
}`

function isOperation(call: Call): call is HostOperation {
  return 'permission' in call
}

function codecName(call: Call): string {
  return isOperation(call) ? `operation${pascalCase(call.name)}` : `event${pascalCase(call.name)}`
}

function callCodec(call: Call): string {
  const { name, parameters, reply } = call
  const head = isOperation(call)
    ? `op: ${call.number}, permission: '${call.permission}', right: ${call.right === undefined ? 'undefined' : `'${call.right}'`}`
    : `event: ${call.number}`
  const type = isOperation(call) ? `HostOperation<'${name}'>` : `HostEvent<'${name}'>`
  return `const ${codecName(call)}: ${type} = {
  name: '${name}', ${head},
  ${requestCodec(parameters)},
  ${replyCodec(reply)}
}`
}

function requestCodec(parameters: readonly HostField[]): string {
  if (parameters.length === 0)
    return `decodeRequest: (bytes) => { decodeNothing(bytes); return {} },\nencodeRequest: encodeNothing`
  const fields = parameters.map(({ name, type }) => `${camelCase(name)}: ${read(type)}`).join(', ')
  const writes = parameters.map(({ name, type }) => write(type, `request.${camelCase(name)}`)).join('\n')
  return `decodeRequest: (bytes) => decodeWhole(bytes, (reader) => { reader.arrayOf(${parameters.length})
    return { ${fields} } }),
  encodeRequest: (request) => encodeWhole((writer) => { writer.array(${parameters.length})
    ${writes} })`
}

function replyCodec(reply: HostType | undefined): string {
  if (reply === undefined) return 'decodeReply: decodeNothing,\nencodeReply: encodeNothing'
  if (reply.kind === 'bytes') {
    return `decodeReply: (bytes) => decodeWhole(bytes, (reader) => ${read(reply)}),
  encodeReply: (reply) => encodeBytes(reply, ${reply.min}, ${reply.max}),
  encodeReplyHead: (reply) => encodeBytesHead(reply, ${reply.min}, ${reply.max})`
  }
  return `decodeReply: (bytes) => decodeWhole(bytes, (reader) => ${read(reply)}),
  encodeReply: (reply) => encodeWhole((writer) => ${write(reply, 'reply')})`
}

function operationTable(operations: readonly HostOperation[]): string {
  return `export type HostOperationTable = { readonly [Name in HostOperationName]: HostOperation<Name> }

/** Every operation by name. */
export const hostOperations: HostOperationTable = {
  ${operations.map((call) => `'${call.name}': ${codecName(call)}`).join(',\n')}
}`
}

function eventTable(events: readonly HostEvent[]): string {
  return `export type HostEventTable = { readonly [Name in HostEventName]: HostEvent<Name> }

/** Every event by name. */
export const hostEvents: HostEventTable = {
  ${events.map((call) => `'${call.name}': ${codecName(call)}`).join(',\n')}
}`
}

function numberTable(operations: readonly HostOperation[]): string {
  const rows = operations.map(({ number, name }) => `[${number}, '${name}']`)
  return `const operationNames: ReadonlyMap<number, HostOperationName> = new Map<number, HostOperationName>([
  ${rows.join(',\n')}
])

/** The operation of a number; undefined for one that this version does not have. */
export function hostOperationName(op: number): HostOperationName | undefined {
  return operationNames.get(op)
}`
}
