/** Life of installed apps and the host interface, over ports (pure). */
export {}
