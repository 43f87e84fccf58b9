/** The process of the `blocktree` command: the only place that reads argv and the environment. */
import { main } from './main.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exitCode = 0 // `blocktree ls | head`: the reader has seen enough
})

process.exitCode = await main({
  words: process.argv.slice(2),
  environment: process.env,
  workingDirectory: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(listener) {
    process.once('SIGINT', listener)
    return () => process.off('SIGINT', listener)
  }
})
