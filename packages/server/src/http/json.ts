import type { FastifyReply } from 'fastify';

const ESCAPED = /[<>&\u2028\u2029]/;
const ALL_ESCAPED = /[<>&\u2028\u2029]/g;

/** The API's JSON text: `<`, `>` and `&` escaped, one line break at the end. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return `${ESCAPED.test(text) ? text.replace(ALL_ESCAPED, escapeCharacter) : text}\n`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Answers with JSON that has been written before. */
export function sendText(reply: FastifyReply, json: string): void {
  void reply.header('content-type', JSON_TYPE).send(json);
}

/** Answers with any JSON value, plain strings and `null` included. */
export function sendJson(reply: FastifyReply, value: unknown, status = 200): FastifyReply {
  return reply.code(status).header('content-type', JSON_TYPE).send(toJson(value));
}

export const JSON_TYPE = 'application/json; charset=UTF-8';
export const TEXT_TYPE = 'text/plain; charset=UTF-8';
