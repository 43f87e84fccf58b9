/**
 * The instructions that are accepted and the form of what follows each (doc/spec/16-wasm-module.md, section 3).
 * Instructions with a prefix byte are numbered prefix * 256 + number.
 */

export const opcode = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableSet: 0x26,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32GtU: 0x4b,
  i32LeU: 0x4d,
  i64LtS: 0x53,
  i64GtU: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i64ExtendI32U: 0xad,
  refFunc: 0xd2,
  memoryInit: 0xfc08,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
  tableInit: 0xfc0c,
  tableCopy: 0xfc0e,
  tableGrow: 0xfc0f,
  tableSize: 0xfc10,
  tableFill: 0xfc11
} as const

/** What follows an opcode. */
export const form = {
  unknown: 0,
  none: 1,
  blockType: 2,
  label: 3,
  labels: 4,
  call: 5,
  callIndirect: 6,
  types: 7,
  local: 8,
  global: 9,
  table: 10,
  memoryArgument: 11,
  memory: 12,
  i32: 13,
  i64: 14,
  f32: 15,
  f64: 16,
  referenceType: 17,
  functionIndex: 18,
  lane: 19,
  bytes16: 20,
  memoryArgumentAndLane: 21,
  memoryInit: 22,
  dataIndex: 23,
  twoMemories: 24,
  tableInit: 25,
  elementIndex: 26,
  twoTables: 27
} as const

function fill(forms: Uint8Array, first: number, last: number, value: number): void {
  forms.fill(value, first, last + 1)
}

function plainForms(): Uint8Array {
  const forms = new Uint8Array(256)
  fill(forms, 0x00, 0x01, form.none)
  fill(forms, 0x02, 0x04, form.blockType)
  forms[0x05] = form.none
  forms[0x0b] = form.none
  fill(forms, 0x0c, 0x0d, form.label)
  forms[0x0e] = form.labels
  forms[0x0f] = form.none
  forms[0x10] = form.call
  forms[0x11] = form.callIndirect
  fill(forms, 0x1a, 0x1b, form.none)
  forms[0x1c] = form.types
  fill(forms, 0x20, 0x22, form.local)
  fill(forms, 0x23, 0x24, form.global)
  fill(forms, 0x25, 0x26, form.table)
  fill(forms, 0x28, 0x3e, form.memoryArgument)
  fill(forms, 0x3f, 0x40, form.memory)
  forms[0x41] = form.i32
  forms[0x42] = form.i64
  forms[0x43] = form.f32
  forms[0x44] = form.f64
  fill(forms, 0x45, 0xc4, form.none)
  forms[0xd0] = form.referenceType
  forms[0xd1] = form.none
  forms[0xd2] = form.functionIndex
  return forms
}

function bulkForms(): Uint8Array {
  const forms = new Uint8Array(256)
  fill(forms, 0, 7, form.none)
  forms[8] = form.memoryInit
  forms[9] = form.dataIndex
  forms[10] = form.twoMemories
  forms[11] = form.memory
  forms[12] = form.tableInit
  forms[13] = form.elementIndex
  forms[14] = form.twoTables
  fill(forms, 15, 17, form.table)
  return forms
}

function vectorForms(): Uint8Array {
  const forms = new Uint8Array(256)
  fill(forms, 0, 11, form.memoryArgument)
  fill(forms, 12, 13, form.bytes16)
  fill(forms, 14, 20, form.none)
  fill(forms, 21, 34, form.lane)
  fill(forms, 35, 83, form.none)
  fill(forms, 84, 91, form.memoryArgumentAndLane)
  fill(forms, 92, 93, form.memoryArgument)
  fill(forms, 94, 255, form.none)
  const gaps = [
    154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238
  ]
  for (const gap of gaps) forms[gap] = form.unknown
  return forms
}

export const plainForm: Uint8Array = plainForms()
export const bulkForm: Uint8Array = bulkForms()
export const vectorForm: Uint8Array = vectorForms()

/** The proposal that an opcode of one byte belongs to; undefined when it is none that is known. */
export function featureOfPlain(code: number): string | undefined {
  if ((code >= 0x06 && code <= 0x0a) || code === 0x18 || code === 0x19 || code === 0x1f) return 'exceptions'
  if (code === 0x12 || code === 0x13) return 'tail-call'
  if (code === 0x14 || code === 0x15 || (code >= 0xd4 && code <= 0xd6)) return 'function-references'
  if (code === 0xd3 || code === 0xfb) return 'gc'
  if (code === 0xfe) return 'threads'
  return undefined
}

/** The same for instruction `number` behind a prefix byte. */
export function featureOfPrefixed(prefix: number, number: number): string | undefined {
  if (prefix === 0xfd && number >= 0x100 && number < 0x130) return 'relaxed-simd'
  if (prefix === 0xfc && number >= 19 && number <= 22) return 'wide-arithmetic'
  return undefined
}
