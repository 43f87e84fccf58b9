/** Bounds of the node itself; doc/LIMITS.md repeats them. */
export const topicListenersMax = 256 // topics of messages that programs on this machine take at one time
export const topicMessagesMax = 256 // taken by one program and not finished: below what its connection holds back
export const topicMessageBytesMax: number = 16 * 1024 * 1024 // and their bytes
export const strangerRequestBytesMax: number = 2 * 1024 * 1024 // bodies that a peer without rights has answered at one time
export const strangerFrameBytesMax: number = 8 * 1024 * 1024 // unfinished long frames of all peers without rights, on one network
