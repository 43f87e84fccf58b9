/** WebAssembly modules read strictly: policy check and instrumentation with fuel (pure). */
export {}
