/** A certificate chain and its key from two files, checked against each other before anything is served with them. */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { GatewayError } from './gateway-error.ts'

export interface CertificateFiles {
  /** PEM, the server's certificate first, then those between it and the root. */
  readonly certificate: string
  /** PEM, not encrypted. */
  readonly key: string
}

export interface LoadedCertificate {
  readonly cert: string
  readonly key: string
  /** End of its validity. */
  readonly validUntilMs: number
}

/** @throws ERR_GATEWAY_CERTIFICATE */
export async function loadCertificate(files: CertificateFiles): Promise<LoadedCertificate> {
  const cert = await readPem(files.certificate, 'certificate')
  const key = await readPem(files.key, 'key')
  const certificate = parsed(files.certificate, () => new X509Certificate(cert))
  const privateKey = parsed(files.key, () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw failure(`the key in "${files.key}" is not that of the certificate in "${files.certificate}"`)
  }
  return { cert, key, validUntilMs: certificate.validToDate.getTime() }
}

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw failure(`the ${what} file "${path}" cannot be read`, cause)
  }
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw failure(`"${path}" holds no PEM that can be used`, cause)
  }
}

function failure(message: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_GATEWAY_CERTIFICATE', message, cause === undefined ? {} : { cause })
}
