/** What the hostile guest is asked to do, and how it must end: the answer, and the cause in its log. */
import { hostname } from 'node:os'

export interface Attack {
  readonly what: string
  readonly path: string
  /** `<status> <text>` of the answer. */
  readonly answer: RegExp
  /** A line of the node in the log of the app. */
  readonly log?: RegExp
}

/** Of two servers on this machine: what `redirecting` answers, a grant covers by name; what `inner` answers, none does. */
export interface Ports {
  readonly redirecting: number
  readonly inner: number
}

const engineFailures: readonly Attack[] = [
  attack('an endless loop', '/spin', /^504 /, /host error: .*still at work/),
  attack('a loop of memory.fill', '/fill', /^50[24] /, /host error: .*(still at work|fuel)/),
  attack('memory without end', '/grow', /^200 \d{2,4}$/),
  attack('recursion without end', '/recurse', /^502 /, /host error: .*stack/),
  attack('a trap', '/trap', /^502 /, /host error: .*unreachable/)
]

const floods: readonly Attack[] = [
  attack('a flood of log', '/flood-log', /^200 900$/, /bytes of its log were dropped/),
  attack('a flood of messages', '/flood-messages?keeper', /^200 [1-6]\d\d$/),
  attack('a flood of watches', '/flood-watches?/data', /^200 256 .*most that this app may have/),
  attack('a flood of timers', '/flood-timers', /^200 64 .*most that this app may have/),
  attack('a flood of open files', '/flood-files', /^200 64 .*most that this app may have/),
  attack('a flood of stored values', '/flood-store', /^200 \d+ .*exceed 1048576 bytes/)
]

const refused = /^200 REFUSED/

const paths: readonly Attack[] = [
  reading('a path with dots', '/letters/../secret'),
  reading('dots at the end', '/letters/..'),
  reading('wide dots', '/letters/\uff0e\uff0e/secret'),
  reading('a name that is not normalised', '/letters/e\u0301'),
  reading('a backslash', '/letters\\..\\secret'),
  reading('an empty component', '//secret'),
  reading('a NUL', '/letters/hello.txt\0/../../secret'),
  reading('a file that was not granted', '/secret', /no files permission "secret"/),
  reading('a file of the host', '/etc/passwd', /no files permission "etc"/),
  reading('the data of another app', '/apps/keeper/data/files/note.txt', /no files permission "apps"/),
  reading('a link out of the folder', '/letters/out'),
  attack('writing through a link', '/write?%2Fletters%2Fout', refused),
  attack('writing its own package', '/write?%2Fapps%2Frogue%2Fpackage', refused)
]

/** All of them, for a node whose app may reach any host by name at both ports, and 127.0.0.1 at the redirecting one. */
export function attackRequests({ redirecting, inner }: Ports): readonly Attack[] {
  const fetching = (what: string, url: string): Attack =>
    attack(what, `/fetch?${encodeURIComponent(url)}`, refused, /http-client\.request was denied/)
  return [
    ...engineFailures,
    ...floods,
    ...paths,
    fetching('an origin without a grant', 'https://example.org/'),
    fetching('this machine by its address', `http://127.0.0.1:${inner}/`),
    fetching('this machine by a number', `http://2130706433:${inner}/`),
    fetching('this machine by IPv6', `http://[::1]:${inner}/`),
    fetching('a name that leads to this machine', `http://localhost:${inner}/`),
    fetching('the name of this machine', `http://${hostname()}:${inner}/`),
    fetching('a redirect to this machine', `http://127.0.0.1:${redirecting}/`),
    attack('a socket without a grant', `/connect?${inner}`, refused, /sockets\.tcp-connect was denied/),
    attack(
      'a second header in a value',
      `/header?${encodeURIComponent('x-a=b\r\nset-cookie: c=d')}`,
      /^502 /,
      /control character/
    ),
    attack(
      'a second answer in a value',
      `/header?${encodeURIComponent('x-a=b\r\n\r\nHTTP/1.1 200 OK')}`,
      /^502 /,
      /control character/
    ),
    attack(
      'a header of the connection',
      '/header?transfer-encoding=chunked',
      /^502 /,
      /belongs to the connection/
    )
  ]
}

function attack(what: string, path: string, answer: RegExp, log?: RegExp): Attack {
  return { what, path, answer, ...(log === undefined ? {} : { log }) }
}

function reading(what: string, path: string, log?: RegExp): Attack {
  return attack(what, `/read?${encodeURIComponent(path)}`, refused, log)
}
