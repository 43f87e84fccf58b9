/** App packages: signed manifest, one file, permissions, and the host interface as data (pure). */
export {
  AppRunError,
  type AppLogEntry,
  type AppRunDescription,
  type AppRunErrorCode,
  type AppRunEvent,
  type AppRunLimits,
  type AppRunner,
  type AppRunOptions,
  type AppRunState,
  type HostCall,
  type HostReply,
  type InvokeOptions,
  type OpeningEvent,
  type RunningApp
} from './app-runner.ts'
export type * as Host from './host-interface.ts'
export {
  type Failure,
  type HostEvent,
  type HostEventName,
  type HostEventReplies,
  type HostEvents,
  type HostOperation,
  type HostOperationName,
  type HostReplies,
  type HostRequests,
  hostEvents,
  hostOperationName,
  hostOperations,
  hostStatus
} from './host-interface.ts'
export { encodeExplanation } from './host-value.ts'
