import process from 'node:process';

/**
 * What the server uses of `node:http`. An import statement would build every export of that module, the WebSocket
 * client of undici among them, which takes as long as starting Node.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
