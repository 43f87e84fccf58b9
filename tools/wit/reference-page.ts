/** doc/HOST-API.md: every operation and event with its types, for who writes an app. */
import type {
  HostDeclaration,
  HostEvent,
  HostField,
  HostInterface,
  HostOperation,
  HostType
} from './host-interface.ts'

export function renderHostReference(host: HostInterface): string {
  const { interfaces, operations, declarations, events } = host
  const sections = interfaces.flatMap(({ name, text }) => {
    const own = operations.filter((operation) => operation.name.startsWith(`${name}.`))
    if (own.length === 0) return []
    return [`### ${name}`, text, ...own.map(operationEntry)]
  })
  const parts = [
    '# Interface of apps',
    'Generated from [`spec/blocktree.wit`](spec/blocktree.wit) by `npm run reference`; do not edit. How values become bytes: ' +
      '[spec 20](spec/20-app-interface.md). The guest libraries of `packages/app-sdk` have these names in the spelling of their language.',
    '## Events',
    'What the node calls in the app.',
    ...events.map(eventEntry),
    '## Operations',
    'What the app calls. Each fails with one of the cases of [`failure`](#failure).',
    ...sections,
    '## Types',
    ...declarations.map(typeEntry)
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function operationEntry({ name, number, permission, right, text, parameters, reply }: HostOperation): string {
  const needed =
    permission === 'always'
      ? 'no grant'
      : `a grant of kind \`${permission}\`${right === undefined ? '' : `, right \`${right}\``}`
  const answer = reply === undefined ? '' : ` → ${typeText(reply)}`
  return `#### \`${name}\`\n\n(${parameterList(parameters)})${answer}\n\n${sentence(text)}Operation ${number}; needs ${needed}.`
}

function eventEntry({ name, number, text, parameters, reply }: HostEvent): string {
  const answer = reply === undefined ? '' : ` → ${typeText(reply)}`
  return `### \`${name}\`\n\n(${parameterList(parameters)})${answer}\n\n${sentence(text)}Event ${number}.`
}

function sentence(text: string): string {
  return text === '' ? '' : `${text} `
}

function parameterList(parameters: readonly HostField[]): string {
  return parameters.map(({ name, type }) => `\`${name}\`: ${typeText(type)}`).join(', ')
}

function typeEntry(one: HostDeclaration): string {
  const rows =
    one.kind === 'record'
      ? one.fields.map(({ name, type, text }) => [name, typeText(type), text])
      : one.cases.map(({ name, type, text }) => [name, type === undefined ? '' : typeText(type), text])
  const table = rows.map(([name, type, text]) => `| \`${name ?? ''}\` | ${type ?? ''} | ${text ?? ''} |`)
  const head = one.kind === 'record' ? '| field | type | |' : '| case | carries | |'
  return [
    `### ${one.name}`,
    `${sentence(one.text)}A ${one.kind}.`,
    [head, '| --- | --- | --- |', ...table].join('\n')
  ].join('\n\n')
}

function typeText(type: HostType): string {
  switch (type.kind) {
    case 'uint':
      return type.max < 2 ** 32 - 1 ? `${type.width} ≤ ${type.max.toLocaleString('en-US')}` : type.width
    case 'bool':
      return 'bool'
    case 'string':
      return `string (${type.max.toLocaleString('en-US')} bytes)`
    case 'bytes':
      return type.min === type.max ? `${type.max} bytes` : `bytes (${type.max.toLocaleString('en-US')})`
    case 'list':
      return `up to ${type.max.toLocaleString('en-US')} × ${typeText(type.element)}`
    case 'option':
      return `${typeText(type.element)} or nothing`
    case 'result':
      return `success${type.ok === undefined ? '' : ` with ${typeText(type.ok)}`} or ${type.error === undefined ? 'failure' : typeText(type.error)}`
    case 'named':
      return `[${type.name}](#${type.name})`
  }
}
