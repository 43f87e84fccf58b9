/** Runs one app in a child process: frames, engines, limits, hardening. */
export {}
