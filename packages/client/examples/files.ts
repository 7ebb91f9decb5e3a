// Copies a file to the server and back, as streams: it may be larger than the memory.
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { Client } from '@millrace/client';

const {
  MILLRACE_URL = 'http://127.0.0.1:8080',
  MILLRACE_USERNAME = '',
  MILLRACE_PASSWORD = '',
} = process.env;
const [, , source = 'README.md', target = 'copy'] = process.argv;

const client = new Client({
  baseUrl: MILLRACE_URL,
  username: MILLRACE_USERNAME,
  password: MILLRACE_PASSWORD,
});

await client.files.put('disk', '/example', createReadStream(source));
const [file] = await client.files.list('disk', { glob: '/example' });
console.log(`stored ${file?.size_bytes} bytes`);

const { body } = await client.files.get('disk', '/example');
if (body !== null) await writeFile(target, body);
await client.files.remove('disk', '/example');
console.log(`fetched ${target}`);
