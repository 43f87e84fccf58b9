/** Real node code under virtual time, faulty networks and faulty disks. */
export {}
