/** The frames by themselves, for vectors and for other implementations of either end. */
export { type ChildFrame, decodeChildFrame, encodeChildFrame } from './child-frame.ts'
export { decodeNodeFrame, encodeNodeFrame, type NodeFrame } from './node-frame.ts'
