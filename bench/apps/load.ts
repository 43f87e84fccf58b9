/**
 * A client of its own process: keeps so many connections busy with one request each, over and over.
 *
 *   node bench/apps/load.ts PORT HOST PATH CONNECTIONS MILLISECONDS   prints {"perSecond","p50Ms","p99Ms"}
 */
import { type Socket, connect } from 'node:net'

const [port = '', host = '', path = '', connections = '1', durationMs = '500'] = process.argv.slice(2)
const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
const warmUpMs = 250
const began = performance.now()
const end = began + warmUpMs + Number(durationMs)
const times: number[] = []
const sockets: Socket[] = []

/** Bytes of a whole answer that begins in `head`; undefined while its head is not whole. */
function answerBytes(head: string): number | undefined {
  const headEnd = head.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`another answer: ${head.slice(0, 300)}`)
  return headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
}

function runConnection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
    sockets.push(socket)
    let started = 0
    let head = ''
    let left: number | undefined
    const ask = (): void => {
      head = ''
      left = undefined
      started = performance.now()
      socket.write(request)
    }
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('data', (part) => {
      if (left === undefined) {
        head += part.toString('latin1')
        const whole = answerBytes(head)
        if (whole === undefined) return
        left = whole - head.length
      } else left -= part.length
      if (left > 0) return
      const now = performance.now()
      if (started > began + warmUpMs) times.push(now - started)
      if (now < end) ask()
      else {
        socket.destroy()
        resolve()
      }
    })
  })
}

await Promise.all(Array.from({ length: Number(connections) }, runConnection))
times.sort((one, other) => one - other)
const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
const figures = { perSecond: (times.length * 1000) / Number(durationMs), p50Ms: at(0.5), p99Ms: at(0.99) }
console.log(JSON.stringify(figures))
