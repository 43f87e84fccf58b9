/** ERIS: immutable content by URN; encoding, decoding, random access, directory trees (pure). */
export {}
