/** What runs installed apps, for whoever builds a node of other parts: the simulator. */
export { createLockPort } from './lock-port.ts'
export type { AppDeps } from './app-deps.ts'
export { AppHost } from './app-host.ts'
export { appPlace } from './app-place.ts'
