/** App packages: signed manifest, one file, permissions, and the host interface as data (pure). */
export {}
