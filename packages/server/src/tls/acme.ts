import { setTimeout as sleep } from 'node:timers/promises';
import { CoreError } from '../util/errors.ts';
import { AcmeConnection, type AcmeOptions } from './acme-connection.ts';
import { createCertificateRequest } from './x509.ts';

/** Where the answers to challenges are laid out for the authority (RFC 8555 §8.3). */
export interface ChallengeAnswers {
  /** Until the returned function is called. */
  publish(token: string, content: string): Promise<() => Promise<void>>;
}

/** How often the authority is asked whether it is done, in milliseconds. */
const POLL_MS = 1_000;

interface Order {
  status: string;
  authorizations: string[];
  finalize: string;
  certificate?: string;
  error?: Problem;
}

interface Authorization {
  status: string;
  challenges: { type: string; url: string; token: string; error?: Problem }[];
}

interface Problem {
  detail?: string;
}

/**
 * Gets a certificate for a host with the challenge http-01 (RFC 8555 §7.4). Rejects if the authority refuses or cannot be
 * reached, or when the signal is aborted.
 */
export async function obtainCertificate(
  host: string,
  options: AcmeOptions & { email: string },
  answers: ChallengeAnswers,
  signal: AbortSignal,
): Promise<{ cert: string; key: string }> {
  const connection = new AcmeConnection(options, signal);
  try {
    await connection.register(options.email);
    const identifiers = [{ type: 'dns', value: host }];
    const placed = await connection.post(await connection.resource('newOrder'), { identifiers });
    const order = placed.body as Order;
    for (const url of order.authorizations) await authorize(connection, url, answers, signal);
    const { request, key } = createCertificateRequest(host);
    await connection.post(order.finalize, { csr: request.toString('base64url') });
    const done = await settled<Order>(connection, placed.location, signal);
    if (done.status !== 'valid' || done.certificate === undefined) {
      throw new CoreError('protocol', `the order is ${done.status}${reason(done.error)}`);
    }
    const { body } = await connection.post(done.certificate);
    return { cert: String(body), key };
  } finally {
    connection.close();
  }
}

/** Proves that the host is ours (RFC 8555 §7.5). */
async function authorize(
  connection: AcmeConnection,
  url: string,
  answers: ChallengeAnswers,
  signal: AbortSignal,
): Promise<void> {
  const { status, challenges } = (await connection.post(url)).body as Authorization;
  if (status === 'valid') return;
  const challenge = challenges.find(({ type }) => type === 'http-01');
  if (challenge === undefined) throw new CoreError('protocol', 'the authority offers no http-01 challenge');
  const withdraw = await answers.publish(challenge.token, await connection.keyAuthorization(challenge.token));
  try {
    await connection.post(challenge.url, {});
    const outcome = await settled<Authorization>(connection, url, signal);
    if (outcome.status === 'valid') return;
    const failed = outcome.challenges.find(({ error }) => error !== undefined);
    throw new CoreError('protocol', `the authorization is ${outcome.status}${reason(failed?.error)}`);
  } finally {
    await withdraw();
  }
}

/** A resource that is being worked on, once it is not any more. */
async function settled<T extends { status: string }>(
  connection: AcmeConnection,
  url: string,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const resource = (await connection.post(url)).body as T;
    if (resource.status !== 'pending' && resource.status !== 'processing') return resource;
    await sleep(POLL_MS, undefined, { signal, ref: false });
  }
}

function reason(problem: Problem | undefined): string {
  return problem?.detail === undefined ? '' : `: ${problem.detail}`;
}
