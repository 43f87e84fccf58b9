/** What a coordinator refuses or cannot do now. */

export type CoordinatorErrorCode =
  /** somebody else holds the lock and the time to wait is over */
  | 'ERR_COORDINATOR_HELD'
  /** no majority of the members can be reached: go on alone, or try again */
  | 'ERR_COORDINATOR_NO_MAJORITY'
  /** the lease is over, nothing done under it counts any more */
  | 'ERR_COORDINATOR_LEASE_ENDED'
  /** the state would grow beyond its limit, or too many wait for one lock */
  | 'ERR_COORDINATOR_FULL'
  /** a name, time or count is outside what is allowed */
  | 'ERR_COORDINATOR_ARGUMENT'
  /** this member may not lock or number what has this name, or the leader has not heard of it yet */
  | 'ERR_COORDINATOR_NAME'
  /** the caller's signal was aborted */
  | 'ERR_COORDINATOR_CANCELLED'
  /** this coordinator was closed */
  | 'ERR_COORDINATOR_CLOSED'
  /** a message or stored bytes are not what they should be */
  | 'ERR_COORDINATOR_MALFORMED'
  /** what is stored is damaged: this member must not vote; remove it and add it again */
  | 'ERR_COORDINATOR_STORAGE_DAMAGED'
  /** another change of members is under way, or this one cannot be made */
  | 'ERR_COORDINATOR_MEMBERSHIP'
  /** this kind of coordinator is administered elsewhere */
  | 'ERR_COORDINATOR_UNSUPPORTED'

export class CoordinatorError extends Error {
  override readonly name: string = 'CoordinatorError'
  readonly code: CoordinatorErrorCode
  constructor(code: CoordinatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
