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
  type RunningApp
} from './app-runner.ts'
