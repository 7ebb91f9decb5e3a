// Continues a session over several runs of a program, by a file that only its owner can read.
import { readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { Client, type Tokens } from '@millrace/client';

const {
  MILLRACE_URL = 'http://127.0.0.1:8080',
  MILLRACE_USERNAME = '',
  MILLRACE_PASSWORD = '',
} = process.env;
const [, , file = 'session.json'] = process.argv;

async function storedTokens(): Promise<Partial<Tokens>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Tokens>;
  } catch {
    return {};
  }
}

const client = new Client({
  baseUrl: MILLRACE_URL,
  username: MILLRACE_USERNAME,
  password: MILLRACE_PASSWORD,
  ...(await storedTokens()),
});

const isContinued = client.tokens().accessToken !== undefined;
const about = await client.about();
console.log(`${isContinued ? 'continued' : 'began'} a session with version ${about.version.number}`);
await writeFile(file, JSON.stringify(client.tokens()), { mode: 0o600 });
