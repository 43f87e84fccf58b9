/** A method table as a Markdown page, for people. */
import type { AnyMethod, MethodShapes, MethodTable } from './method-table.ts'
import { numericOfCode } from './rpc-error.ts'
import { isRecord, type Schema } from './schema.ts'

/** Methods in the order of the table, grouped by area; ends with a newline. */
export function renderReference<M extends MethodShapes<M>>(table: MethodTable<M>): string {
  const areas = new Map<string, AnyMethod[]>()
  for (const method of table.methods.values()) {
    const area = method.name.slice(0, method.name.lastIndexOf('.'))
    areas.set(area, [...(areas.get(area) ?? []), method])
  }
  const sections = [...areas].map(
    ([area, methods]) => `## ${area}\n\n${methods.map(renderMethod).join('\n')}`
  )
  return `# RPC methods\n\nMade from the method table; the protocol is in doc/spec/10-rpc.md.\n\n${sections.join('\n')}`
}

function renderMethod(method: AnyMethod): string {
  const lines = [`### \`${method.name}\``, '', `${method.summary}.`, '']
  if (method.description !== undefined) lines.push(method.description, '')
  const fields = Object.entries(method.params.fields)
  if (fields.length > 0) {
    lines.push('| parameter | type | |', '| --- | --- | --- |')
    lines.push(...fields.map(([name, schema]) => renderField(name, schema)), '')
  }
  lines.push(`Result: ${renderType(method.result.jsonSchema)}`, '')
  if (method.stream !== 'none')
    lines.push(`Streams: ${method.stream === 'both' ? 'upload and download' : method.stream}`, '')
  if (method.event !== undefined) lines.push(`Events: ${renderType(method.event.jsonSchema)}`, '')
  if (method.errors.length > 0) {
    lines.push('| error | number | when |', '| --- | --- | --- |')
    lines.push(
      ...method.errors.map(
        ({ code, summary }) => `| \`${code}\` | ${numericOfCode(code)} | ${cell(summary)} |`
      ),
      ''
    )
  }
  return lines.join('\n')
}

function renderField(name: string, schema: Schema<unknown>): string {
  const description = schema.jsonSchema['description']
  const note = typeof description === 'string' ? description : ''
  return `| \`${name}\`${schema.optional ? ' (optional)' : ''} | ${cell(renderType(schema.jsonSchema))} | ${cell(note)} |`
}

/** A JSON Schema in one line. */
function renderType(schema: unknown): string {
  if (!isRecord(schema)) return 'any value'
  const { anyOf, enum: values, items, properties, type } = schema
  if ('const' in schema) return `\`${JSON.stringify(schema['const'])}\``
  if (Array.isArray(anyOf)) return anyOf.map(renderType).join(' or ')
  if (Array.isArray(values)) return values.map((value) => `\`${JSON.stringify(value)}\``).join(' or ')
  if (schema['contentEncoding'] === 'base64') return 'bytes'
  if (type === 'array') return `array of ${renderType(items)}`
  if (type === 'object' && isRecord(properties)) return renderMembers(properties, schema['required'])
  if (type === 'object') return `object of ${renderType(schema['additionalProperties'])}`
  return typeof type === 'string' ? type + renderBounds(schema) : 'any value'
}

function renderMembers(properties: Record<string, unknown>, required: unknown): string {
  const needed: readonly unknown[] = Array.isArray(required) ? required : []
  const members = Object.entries(properties).map(
    ([name, member]) => `\`${name}\`${needed.includes(name) ? '' : '?'}: ${renderType(member)}`
  )
  return members.length === 0 ? '`{}`' : `{ ${members.join(', ')} }`
}

function renderBounds(schema: Record<string, unknown>): string {
  const low = schema['minimum'] ?? schema['minLength']
  const high = schema['maximum'] ?? schema['maxLength']
  if (low === undefined && high === undefined) return ''
  return ` (${JSON.stringify(low) ?? ''}…${JSON.stringify(high) ?? ''})`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
