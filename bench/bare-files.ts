// A bare `node:http` server: GET answers with one Buffer, anything else reads its body and drops it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const body = Buffer.alloc(Number(process.env['BYTES']), 'x');
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'video/MP2T', 'content-length': body.length });
    response.end(body);
    return;
  }
  request.resume().on('end', () => {
    response.writeHead(204).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(String((server.address() as AddressInfo).port));
});
