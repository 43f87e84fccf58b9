/** Parts of libp2p with a method of ours in place of one of theirs; the part itself stays as it is. */

/** The same object with other methods in place of some. */
export function replacing<Target extends object>(target: Target, methods: object): Target {
  return new Proxy(target, {
    get: (_, name) =>
      Reflect.has(methods, name) ? (Reflect.get(methods, name) as unknown) : boundTo(target, name)
  })
}

function boundTo(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}
