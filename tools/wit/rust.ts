/** The guest library for Rust: one module over `core` and `alloc`; structs, functions, and a trait `App` of events. */
import type {
  HostCase,
  HostDeclaration,
  HostEvent,
  HostField,
  HostInterface,
  HostOperation,
  HostType
} from './host-interface.ts'
import { pascalCase, snakeCase } from './names.ts'

export function renderRust(host: HostInterface, runtime: string): string {
  const { declarations, operations, events, interfaces, packageName } = host
  const modules = interfaces.flatMap(({ name, text }) => {
    const own = operations.filter((operation) => operation.name.startsWith(`${name}.`))
    return own.length === 0 ? [] : [module(name, text, own)]
  })
  const parts = [
    `//! The host interface ${packageName} for Rust, over core and alloc. Generated from doc/spec/blocktree.wit; do not edit.\n//! The crate root has \`pub fn blocktree_app() -> Box<dyn blocktree::App>\`.`,
    runtime.trim(),
    ...declarations.map((one) => declaration(one)),
    ...modules,
    appTrait(events),
    dispatch(events)
  ]
  return `${parts.join('\n\n')}\n`
}

function declaration(one: HostDeclaration): string {
  const name = pascalCase(one.name)
  switch (one.kind) {
    case 'enum':
      return renderEnum(name, one.text, one.cases, one.name === 'failure')
    case 'flags':
      return renderFlags(name, one.text, one.cases)
    case 'record':
      return renderRecord(name, one.text, one.fields)
    case 'variant':
      return renderVariant(name, one.text, one.cases)
  }
}

function renderFlags(name: string, text: string, all: readonly HostCase[]): string {
  const fields = all.map((each) => `${comment(each.text, '    ')}    pub ${snakeCase(each.name)}: bool,`)
  const reads = all.map(({ name }, index) => `${snakeCase(name)}: bits & ${2 ** index} != 0`)
  const bits = all.map(({ name }, index) => `(self.${snakeCase(name)} as u64) << ${index}`)
  return `${comment(text)}#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ${name} {
${fields.join('\n')}
}

impl ${name} {
    fn read(r: &mut Reader) -> ${name} {
        let bits = r.uint();
        ${name} { ${reads.join(', ')} }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(${bits.join(' | ')})
    }
}`
}

function renderRecord(name: string, text: string, all: readonly HostField[]): string {
  const fields = all.map(
    (each) => `${comment(each.text, '    ')}    pub ${snakeCase(each.name)}: ${type(each.type)},`
  )
  const reads = all.map((each) => `            ${snakeCase(each.name)}: ${read(each.type)},`)
  const writes = all.map((each) => write(each.type, `self.${snakeCase(each.name)}`, '        '))
  return `${comment(text)}#[derive(Debug, Clone, PartialEq)]
pub struct ${name} {
${fields.join('\n')}
}

impl ${name} {
    fn read(r: &mut Reader) -> ${name} {
        r.array();
        ${name} {
${reads.join('\n')}
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(${all.length});
${writes.join('\n')}
    }
}`
}

function renderVariant(name: string, text: string, all: readonly HostCase[]): string {
  const cases = all.map(
    (each) =>
      `${comment(each.text, '    ')}    ${pascalCase(each.name)}${each.type === undefined ? '' : `(${type(each.type)})`},`
  )
  const reads = all.map(
    (each, index) =>
      `            ${index} => ${name}::${pascalCase(each.name)}${each.type === undefined ? '' : `(${read(each.type)})`},`
  )
  const writes = all.map((each, index) =>
    each.type === undefined
      ? `            ${name}::${pascalCase(each.name)} => {\n                w.array(1);\n                w.uint(${index});\n            }`
      : `            ${name}::${pascalCase(each.name)}(value) => {\n                w.array(2);\n                w.uint(${index});\n${write(each.type, '(*value)', '                ')}\n            }`
  )
  return `${comment(text)}#[derive(Debug, Clone, PartialEq)]
pub enum ${name} {
${cases.join('\n')}
}

impl ${name} {
    fn read(r: &mut Reader) -> ${name} {
        r.array();
        match r.uint() {
${reads.join('\n')}
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        match self {
${writes.join('\n')}
        }
    }
}`
}

function renderEnum(
  name: string,
  text: string,
  cases: readonly { name: string; text: string }[],
  isStatus: boolean
): string {
  const first = isStatus ? 1 : 0
  const rows = cases.map(
    (each, index) => `${comment(each.text, '    ')}    ${pascalCase(each.name)} = ${index + first},`
  )
  const reads = cases.map(
    (each, index) => `            ${index + first} => ${name}::${pascalCase(each.name)},`
  )
  const body = isStatus
    ? `    fn of_status(status: u32) -> ${name} {
        match status {
${reads.join('\n')}
            _ => ${name}::Internal,
        }
    }`
    : `    fn read(r: &mut Reader) -> ${name} {
        match r.uint() {
${reads.join('\n')}
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }`
  return `${comment(text)}#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ${name} {
${rows.join('\n')}
}

impl ${name} {
${body}
}`
}

function type(of: HostType): string {
  switch (of.kind) {
    case 'uint':
      return of.width === 'u64' ? 'u64' : 'u32'
    case 'bool':
      return 'bool'
    case 'string':
      return 'String'
    case 'bytes':
      return 'Vec<u8>'
    case 'list':
      return `Vec<${type(of.element)}>`
    case 'option':
      return `Option<${type(of.element)}>`
    case 'result':
      return `core::result::Result<${of.ok === undefined ? '()' : type(of.ok)}, ${of.error === undefined ? '()' : type(of.error)}>`
    case 'named':
      return pascalCase(of.name)
  }
}

/** As a function takes it: borrowed. */
function borrowed(of: HostType): string {
  switch (of.kind) {
    case 'string':
      return '&str'
    case 'bytes':
      return '&[u8]'
    case 'list':
      return `&[${type(of.element)}]`
    case 'option':
      return `Option<${borrowed(of.element)}>`
    case 'named':
      return `&${pascalCase(of.name)}`
    default:
      return type(of)
  }
}

function read(of: HostType): string {
  switch (of.kind) {
    case 'uint':
      return of.width === 'u64' ? 'r.uint()' : 'r.uint() as u32'
    case 'bool':
      return 'r.bool()'
    case 'string':
      return 'r.str()'
    case 'bytes':
      return 'r.bin()'
    case 'list':
      return `{ let count = r.array(); (0..count).map(|_| ${read(of.element)}).collect() }`
    case 'option':
      return `if r.nil() { None } else { Some(${read(of.element)}) }`
    case 'result':
      throw new Error('no operation answers a result')
    case 'named':
      return `${pascalCase(of.name)}::read(r)`
  }
}

/** `value` is a place; borrowed where it has to be. */
function write(of: HostType, value: string, indent: string): string {
  switch (of.kind) {
    case 'uint':
      return `${indent}w.uint(${value} as u64);`
    case 'bool':
      return `${indent}w.bool(${value});`
    case 'string':
      return `${indent}w.str(&${value});`
    case 'bytes':
      return `${indent}w.bin(&${value});`
    case 'list':
      return `${indent}w.array(${value}.len());\n${indent}for item in ${value}.iter() {\n${write(of.element, '(*item)', `${indent}    `)}\n${indent}}`
    case 'option':
      return `${indent}match &${value} {\n${indent}    None => w.nil(),\n${indent}    Some(some) => {\n${write(of.element, '(*some)', `${indent}        `)}\n${indent}    }\n${indent}}`
    case 'result':
      return `${indent}match &${value} {\n${indent}    Ok(_) => {\n${indent}        w.array(1);\n${indent}        w.uint(0);\n${indent}    }\n${indent}    Err(problem) => {\n${indent}        w.array(2);\n${indent}        w.uint(1);\n${indent}        w.str(problem);\n${indent}    }\n${indent}}`
    case 'named':
      return `${indent}${value}.write(w);`
  }
}

function module(name: string, text: string, operations: readonly HostOperation[]): string {
  return `${comment(text)}pub mod ${snakeCase(name)} {
    use super::*;

${operations.map(operation).join('\n\n')}
}`
}

function parameter({ name, type: of }: HostField): string {
  return `${snakeCase(name)}: ${borrowed(of)}`
}

function operation({ name, number, text, parameters, reply }: HostOperation): string {
  const short = snakeCase(name.slice(name.indexOf('.') + 1))
  const writes = parameters.map(({ name, type: of }) => write(of, snakeCase(name), '        '))
  const begin =
    parameters.length === 0
      ? '        let writer = Writer::new();'
      : `        let mut writer = Writer::new();\n        let w = &mut writer;\n        w.array(${parameters.length});\n${writes.join('\n')}`
  const rest =
    reply === undefined
      ? `        call(${number}, &writer).map(|_| ())`
      : `        let bytes = call(${number}, &writer)?;\n        let r = &mut Reader { bytes: &bytes };\n        Ok(${read(reply)})`
  return `${comment(text, '    ')}    pub fn ${short}(${parameters.map(parameter).join(', ')}) -> Result<${reply === undefined ? '()' : type(reply)}> {
${begin}
${rest}
    }`
}

function appTrait(events: readonly HostEvent[]): string {
  const methods = events.map(({ name, text, parameters, reply }) => {
    const list = [
      '&mut self',
      ...parameters.map(({ name, type: of }) => `_${snakeCase(name)}: ${type(of)}`)
    ].join(', ')
    const [result, body] =
      reply === undefined
        ? ['', '']
        : reply.kind === 'result'
          ? [` -> ${type(reply)}`, ' Ok(()) ']
          : [
              ` -> ${type(reply)}`,
              ' HttpAnswer::Now(Response { status: 404, headers: Vec::new(), body: ResponseBody::Empty }) '
            ]
    return `${comment(text, '    ')}    fn ${snakeCase(name)}(${list})${result} {${body}}`
  })
  return `/// What the node calls.
pub trait App {
${methods.join('\n')}
}`
}

function dispatch(events: readonly HostEvent[]): string {
  const cases = events.map(({ name, number, parameters, reply }) => {
    const reads = parameters.map(({ name, type: of }) => `            let ${snakeCase(name)} = ${read(of)};`)
    const called = `app.${snakeCase(name)}(${parameters.map(({ name }) => snakeCase(name)).join(', ')})`
    const open = parameters.length === 0 ? [] : ['            r.array();']
    const rest =
      reply === undefined
        ? [`            ${called};`]
        : [`            let answer = ${called};`, write(reply, 'answer', '            ')]
    return `        ${number} => {\n${[...open, ...reads, ...rest].join('\n')}\n        }`
  })
  return `fn dispatch(app: &mut dyn App, kind: u32, r: &mut Reader) -> Writer {
    let mut writer = Writer::new();
    let w = &mut writer;
    match kind {
${cases.join('\n')}
        _ => {}
    }
    writer
}`
}

function comment(text: string, indent = ''): string {
  return text === '' ? '' : `${indent}/// ${text}\n`
}
