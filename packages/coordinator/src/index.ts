/** Leader, leases and fencing tokens: local, builtin and etcd coordinators. */
export {}
