/** What a fault of a guest is called towards those who run it. */
import type { AppRunErrorCode } from '@blocktree/app-package'
import type { FaultName } from './frame-type.ts'

export const faultCodes: Readonly<Record<FaultName, AppRunErrorCode>> = {
  module: 'ERR_RUN_MODULE',
  trap: 'ERR_RUN_TRAP',
  fuel: 'ERR_RUN_FUEL',
  exit: 'ERR_RUN_EXIT',
  payload: 'ERR_RUN_PAYLOAD',
  internal: 'ERR_RUN_CRASHED'
}
