/** The one error class of this package. No message ever holds a secret. */
export type CryptoErrorCode =
  | 'ERR_KEY_CLOSED' // the key was closed and wiped
  | 'ERR_KEY_INVALID' // a key has the wrong length or is refused by its algorithm
  | 'ERR_KEY_NOT_EXPORTABLE' // the secret cannot leave its store
  | 'ERR_KEY_FILE_FORMAT' // a key file is damaged or of an unknown version
  | 'ERR_KEY_FILE_PASSWORD' // the password does not open the key file
  | 'ERR_KEY_FILE_COST' // a key file asks for more memory or time than is allowed
  | 'ERR_KEY_FILE_MODE' // others than the owner may read or write a key file
  | 'ERR_KEY_FILE_EXISTS' // a key of this name exists and is not overwritten
  | 'ERR_KEY_FILE_ACCESS' // a key file cannot be read or written
  | 'ERR_KEY_NAME' // a key name has a character or length that is not allowed
  | 'ERR_CRYPTO_ARGUMENT' // an argument has a wrong length or code
  | 'ERR_CRYPTO_WORKER' // a worker thread died under its task, or was closed

export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
