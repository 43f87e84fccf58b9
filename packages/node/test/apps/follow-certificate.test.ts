import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { followCertificate } from '../../src/apps/follow-certificate.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

test('tells of a renewed certificate, and of nothing once it is ended', async () => {
  await using temporary = await temporaryDirectory()
  const directory = temporary.path
  const files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  writeFileSync(files.certificate, 'one')
  writeFileSync(files.key, 'one')
  let reloads = 0
  const end = followCertificate(files, () => reloads++, 10)
  await delay(50)
  expect(reloads).toBe(0)
  writeFileSync(join(directory, 'next.pem'), 'another')
  renameSync(join(directory, 'next.pem'), files.certificate)
  await expect.poll(() => reloads).toBe(1)
  rmSync(files.key)
  await delay(50)
  expect(reloads).toBe(1) // there is nothing to use
  end()
  writeFileSync(files.certificate, 'a third')
  await delay(50)
  expect(reloads).toBe(1)
})
