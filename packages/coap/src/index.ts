/** CoAP over UDP, TCP and Unix sockets: messages, client and server. */
export {}
