/** The one error class of this package; callers branch on `code`, never on text. */
export type CodecErrorCode =
  | 'ERR_CODEC_TRUNCATED' // the input ends inside a value
  | 'ERR_CODEC_TRAILING' // bytes follow the last value
  | 'ERR_CODEC_TYPE' // a value of another type stands here, or one outside the subset
  | 'ERR_CODEC_NOT_SHORTEST' // a number or header is not in its shortest form
  | 'ERR_CODEC_RANGE' // a number, length or array size is out of its bounds
  | 'ERR_CODEC_UTF8' // a string is not valid UTF-8
  | 'ERR_CODEC_DEPTH' // arrays are nested deeper than the limit
  | 'ERR_CODEC_VALUE' // a value cannot be encoded in the subset
  | 'ERR_CODEC_ENVELOPE' // the envelope's magic or shape is wrong
  | 'ERR_CODEC_IDENTIFIER' // text is not an identifier
  | 'ERR_CODEC_FRAME' // an RPC frame is malformed

export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode
  constructor(code: CodecErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
