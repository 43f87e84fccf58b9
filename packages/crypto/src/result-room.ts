/** Where results are put: a thread that keeps none of them may have something cheaper than a buffer for each. */
export type NewBytes = (length: number) => Uint8Array

export const ownBytes: NewBytes = (length) => new Uint8Array(length)
