// The programs of the machine that the sandbox is built with.

/** It is dash, bash or busybox. */
export const shell = '/bin/sh';

/** Where the tools are, on our side and inside: the PATH of everything that runs before the server does. */
export const toolPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
