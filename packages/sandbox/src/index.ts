/** Runs one app in a child process: frames, engines, limits, hardening. */
export { childProgramPath } from './child-program.ts'
export { type EngineName, engineNames } from './frame-type.ts'
export { clampRunLimits, defaultRunLimits, maximumRunLimits } from './limits.ts'
export { type LevelReport, probeLevels } from './probe-levels.ts'
export { createProcessRunner, type ProcessRunner, type ProcessRunnerOptions } from './process-runner.ts'
export { SandboxError, type SandboxErrorCode } from './sandbox-error.ts'
export { buildSeccompFilter } from './seccomp-filter.ts'
export { type SandboxLevel, sandboxLevels } from './spawn-command.ts'
