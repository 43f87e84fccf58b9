/** Stores of ERIS blocks: memory, directory, SQLite, CBOR, HTTP, CoAP, combinators, daemon. */
export {}
