/** The refusal of a name that is not for this member, the same over all drivers. */
import { CoordinatorError } from './coordinator-error.ts'

/** @param isKnown false when what has the name had not come to the leader */
export function nameError(isKnown: boolean): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_NAME',
    isKnown
      ? 'this node may not lock this: it keeps no directory that this is in'
      : 'the node that leads has not heard of what is to be locked; try again when this node is in step with it'
  )
}
