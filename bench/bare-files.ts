// A bare `node:http` server: GET answers with one Buffer, or pipes a file, anything else reads its body and drops it.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const bytes = Number(process.env['BYTES']);
const file = process.env['FILE'];
const body = file === undefined ? Buffer.alloc(bytes, 'x') : undefined;
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'video/MP2T', 'content-length': bytes });
    if (file === undefined) response.end(body);
    else createReadStream(file).pipe(response);
    return;
  }
  request.resume().on('end', () => {
    response.writeHead(204).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(String((server.address() as AddressInfo).port));
});
