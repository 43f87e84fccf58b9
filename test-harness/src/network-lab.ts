/**
 * Networks made for one test: machines as network namespaces, switches between them, routers with address translation.
 * Nothing of it touches the networks of the machine that runs the test.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/**
 * What a port of a machine becomes outside: the same for all whom it speaks to, as most routers do it, or another one for
 * each.
 */
export type Translation = 'for all destinations' | 'for each destination'

export interface NetworkLab extends Disposable {
  /** A machine with a network of its own, on which nothing but itself is reached yet. */
  addMachine(name: string): void
  /** What is plugged into it hears each other, multicast too. */
  addSwitch(name: string): void
  /** @param address with the length of its prefix: `192.0.2.1/24`. @returns the name of the interface */
  plug(machine: string, into: string, address: string): string
  /** Another address in place of the one that it had at this interface. */
  move(machine: string, port: string, address: string): void
  /** @param target a prefix, or `default` */
  route(machine: string, target: string, gateway: string): void
  /** It passes packets on; what leaves by `outside` bears its own address, and nothing new comes in there. */
  translate(router: string, outside: string, kind: Translation): void
  /** Nothing new comes in at this interface; answers do. */
  bar(machine: string, port: string): void
  unbar(machine: string): void
  /** It passes packets on as they are. */
  forward(router: string): void
  /** Words that start a program on the machine. */
  launcher(machine: string): readonly string[]
}

/** Why it cannot be had on this machine; undefined when it can. */
export function networkLabMissing(): string | undefined {
  if (process.platform !== 'linux') return 'needs network namespaces, which Linux has'
  const probe = `blocktree-${process.pid}-probe`
  try {
    ip('netns', 'add', probe)
    ip('netns', 'del', probe)
    return undefined
  } catch {
    return 'needs network namespaces: "ip netns add" of iproute2, as root'
  }
}

/** Why no router can translate addresses here; undefined when one can. */
export function translationMissing(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'needs nftables: routers that translate addresses'
  }
}

export function createNetworkLab(): NetworkLab {
  removeLeftovers()
  return new Lab()
}

class Lab implements NetworkLab {
  readonly #spaces = new Map<string, string>()
  #interfaces = 0

  addMachine(name: string): void {
    const space = `blocktree-${process.pid}-${name}`
    ip('netns', 'add', space)
    this.#spaces.set(name, space)
    ip('-n', space, 'link', 'set', 'lo', 'up')
  }

  addSwitch(name: string): void {
    this.addMachine(name)
    ip('-n', this.#space(name), 'link', 'add', 'switch', 'type', 'bridge', 'mcast_snooping', '0')
    ip('-n', this.#space(name), 'link', 'set', 'switch', 'up')
  }

  plug(machine: string, into: string, address: string): string {
    const [port, socket] = [`e${++this.#interfaces}`, `s${this.#interfaces}`]
    const [here, there] = [this.#space(machine), this.#space(into)]
    ip('link', 'add', port, 'netns', here, 'type', 'veth', 'peer', 'name', socket, 'netns', there)
    ip('-n', there, 'link', 'set', socket, 'master', 'switch', 'up')
    ip('-n', here, 'address', 'add', address, 'dev', port)
    ip('-n', here, 'link', 'set', port, 'up')
    ip('-n', here, 'route', 'replace', '224.0.0.0/4', 'dev', port)
    return port
  }

  move(machine: string, port: string, address: string): void {
    const space = this.#space(machine)
    ip('-n', space, 'address', 'flush', 'dev', port)
    ip('-n', space, 'address', 'add', address, 'dev', port)
    ip('-n', space, 'route', 'replace', '224.0.0.0/4', 'dev', port)
  }

  route(machine: string, target: string, gateway: string): void {
    ip('-n', this.#space(machine), 'route', 'add', target, 'via', gateway)
  }

  translate(router: string, outside: string, kind: Translation): void {
    this.forward(router)
    const how = kind === 'for each destination' ? 'masquerade random' : 'masquerade'
    const rules = `table ip translation {
      chain leave { type nat hook postrouting priority 100; oifname "${outside}" ${how}; }
      ${barred('pass', 'forward', outside)}
      ${barred('enter', 'input', outside)}
    }`
    execFileSync('ip', ['netns', 'exec', this.#space(router), 'nft', '-f', '-'], { input: rules })
  }

  bar(machine: string, port: string): void {
    const rules = `table ip door { ${barred('enter', 'input', port)} }`
    execFileSync('ip', ['netns', 'exec', this.#space(machine), 'nft', '-f', '-'], { input: rules })
  }

  unbar(machine: string): void {
    ip('netns', 'exec', this.#space(machine), 'nft', 'delete', 'table', 'ip', 'door')
  }

  forward(router: string): void {
    const words = ['netns', 'exec', this.#space(router), 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']
    ip(...words)
  }

  launcher(machine: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#space(machine)]
  }

  [Symbol.dispose](): void {
    for (const space of this.#spaces.values()) remove(space)
    this.#spaces.clear()
  }

  #space(name: string): string {
    const space = this.#spaces.get(name)
    if (space === undefined) throw new Error(`the lab has no machine "${name}"`)
    return space
  }
}

/** A chain that drops what begins anew. */
function barred(chain: string, hook: string, port: string): string {
  return `chain ${chain} {
    type filter hook ${hook} priority 0; policy accept;
    ct state established,related accept
    iifname "${port}" drop
  }\n`
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function remove(space: string): void {
  try {
    ip('netns', 'del', space)
  } catch {
    // it is gone
  }
}

/** Of tests that were killed. */
function removeLeftovers(): void {
  for (const space of spaces()) {
    const pid = Number(/^blocktree-(\d+)-/.exec(space)?.[1] ?? 0)
    if (pid > 0 && !isAlive(pid)) remove(space)
  }
}

function spaces(): readonly string[] {
  try {
    return readdirSync('/var/run/netns')
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
