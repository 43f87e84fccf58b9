/** Numbers of the frames between node and sandbox process (doc/spec/19-sandbox-frames.md, section 2). */
export const frameType = {
  hello: 0,
  load: 1,
  invoke: 2,
  result: 3,
  hostCall: 4,
  hostReply: 5,
  log: 6,
  trap: 7
} as const

export const engineNames = ['v8', 'wasmtime'] as const
/** Its index in `engineNames` is its number in frames. */
export type EngineName = (typeof engineNames)[number]

/** Why a guest ended (spec 19, section 5); the index is the number in a trap frame. */
export const faultNames = [
  'module', // does not compile, link, or speak this interface
  'trap', // trapped
  'fuel', // used up its fuel
  'exit', // ended itself
  'payload', // handed over more than the limit, or memory it does not have
  'internal' // the child program failed
] as const
export type FaultName = (typeof faultNames)[number]
