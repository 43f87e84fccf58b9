export { compareBytes, concatBytes, equalBytes } from './bytes.ts'
export { CanonicalReader } from './canonical-reader.ts'
export { CanonicalWriter } from './canonical-writer.ts'
export { CodecError, type CodecErrorCode } from './codec-error.ts'
export { type Envelope, decodeEnvelope, encodeEnvelope, signInput } from './envelope.ts'
export { FrameParser, delimitFrame } from './frame-parser.ts'
export { formatId, parseId } from './identifier.ts'
export {
  depthMax,
  frameBytesMax,
  frameDepthMax,
  headerEnvelopeBytesMax,
  integerMax,
  localRecordBytesMax,
  recordBytesMax
} from './limits.ts'
export { copyBytes, cutBytesFromChunks, newBytes } from './room.ts'
export { packFrame, packLocal, unpackFrame, unpackLocal } from './rpc-frame.ts'
