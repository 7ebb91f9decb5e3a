import type { Ending } from '../child/supervisor.ts';
import { maskSecrets } from '../util/text.ts';
import { FAILURE_CLASSES, type FailureClass } from './failure-classes.ts';
import { CAUSES, ERRORS, SYMPTOMS, type FailureRule } from './failure-rules.ts';
import type { LogLine } from './report.ts';
import { stripTags } from './tags.ts';

/** Why a run of FFmpeg failed. */
export interface Failure {
  class: FailureClass;
  /** The line of the log that tells, without secrets; `''` if there is none. */
  line: string;
  /** What a person can do about it. */
  advice: string;
}

/** The arguments of FFmpeg, and what it wrote. */
export interface FailedRun {
  command: readonly string[];
  log: readonly LogLine[];
}

interface Line {
  text: string;
  /** Without tags. */
  bare: string;
}

type Side = 'input' | 'output';

interface Match {
  index: number;
  rule: FailureRule;
}

/** What was written longer before the last line was not the reason to end; neither was what is further up. */
const WINDOW_MS = 30_000;
const WINDOW_LINES = 100;
/** How many other lines may stand between two reports of the same error. */
const MAX_GAP = 2;
/** A longer line is cut before it is looked at. */
const MAX_LINE = 1_000;

/** Says why a run failed; `undefined` if it ended well or was stopped on purpose. */
export function explainFailure(ending: Ending, run: FailedRun): Failure | undefined {
  const { exit, reason, note } = ending;
  switch (reason) {
    case 'stopped':
      return undefined;
    case 'stale':
      return createFailure('stale', note);
    case 'limits':
      return createFailure('limit_exceeded', note);
    case 'disk full':
      return createFailure('disk_full', note);
    case undefined:
      break;
  }
  if (exit.kind === 'error') return createFailure('not_started', exit.error.message);
  if (exit.kind === 'signal')
    return createFailure(exit.outOfMemory ? 'out_of_memory' : classOfSignal(exit.signal), note);
  if (exit.code === 0) return undefined;
  const lines = tail(run.log);
  const match = latest(CAUSES, lines) ?? latest(SYMPTOMS, lines) ?? latest(ERRORS, lines);
  if (exit.code === STOPPED_CODE && (match === undefined || wasInterrupted(lines))) return undefined;
  return match === undefined
    ? createFailure('unknown', lastWords(lines) ?? note)
    : explain(match, lines, run.command);
}

/** FFmpeg's exit code after SIGINT or SIGTERM, but from 6.1 on also after "Operation not permitted". */
const STOPPED_CODE = 255;

const FROM_OUTSIDE: readonly string[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

function classOfSignal(signal: string): FailureClass {
  return FROM_OUTSIDE.includes(signal) ? 'killed' : 'crashed';
}

function tail(log: readonly LogLine[]): Line[] {
  const end = log.at(-1)?.at ?? 0;
  return log
    .slice(-WINDOW_LINES)
    .filter(({ at }) => end - at <= WINDOW_MS)
    .map(({ text }) => ({ text: text.slice(0, MAX_LINE), bare: stripTags(text.slice(0, MAX_LINE)) }));
}

/** The last error that one of the rules knows. */
function latest(rules: readonly FailureRule[], lines: readonly Line[]): Match | undefined {
  for (let index = lines.length - 1; index >= 0; index--) {
    const rule = rules.find(({ pattern }) => pattern.test(lines[index]?.bare ?? ''));
    if (rule !== undefined) return { index: firstReport(rule, lines, index), rule };
  }
  return undefined;
}

/** FFmpeg repeats an error on its way up; the first to report it says most. */
function firstReport({ pattern }: FailureRule, lines: readonly Line[], last: number): number {
  let first = last;
  for (let index = last - 1; index >= 0 && first - index <= MAX_GAP; index--) {
    if (pattern.test(lines[index]?.bare ?? '')) first = index;
  }
  return first;
}

function wasInterrupted(lines: readonly Line[]): boolean {
  return lines.some(({ bare }) => bare.startsWith('Exiting normally, received signal'));
}

/** What says only that something went wrong, or belongs to a list. */
const EMPTY_WORDS =
  /^(?: |Conversion failed!|Error opening (?:in|out)put files?|(?:Terminating thread|Task finished) with |Nothing was written |video:)/;
const WORDS_OF_FAILURE = /error|fail|invalid|cannot|could not|unable|unknown|not /i;
const LEVEL_OF_FAILURE = /\[(?:error|fatal|panic)\] /;

/** The last line that sounds like an error. */
function lastWords(lines: readonly Line[]): string | undefined {
  const telling = lines.filter(({ bare }) => !EMPTY_WORDS.test(bare));
  const last =
    telling.findLast(({ text }) => LEVEL_OF_FAILURE.test(text)) ??
    telling.findLast(({ bare }) => WORDS_OF_FAILURE.test(bare)) ??
    telling.at(-1);
  return last?.text;
}

function explain({ index, rule }: Match, lines: readonly Line[], command: readonly string[]): Failure {
  const kind = typeof rule.class === 'string' ? rule.class : rule.class[sideOf(lines, index, command)];
  const { text, bare } = lines[index] ?? { text: '', bare: '' };
  const rest = lines.slice(index).map((line) => line.bare);
  const facts = {
    host: firstOf(rest, hostIn),
    address: firstOf(rest, addressIn),
    ...rule.pattern.exec(bare)?.groups,
  };
  return createFailure(kind, text, rule.advice, facts);
}

function firstOf(lines: readonly string[], find: (line: string) => string | undefined): string | undefined {
  return lines.map(find).find((found) => found !== undefined);
}

function createFailure(
  kind: FailureClass,
  line: string,
  advice: string = FAILURE_CLASSES[kind],
  facts: Record<string, string | undefined> = {},
): Failure {
  const filled = advice.replace(/\{(\w+)\}/g, (_, name: string) => facts[name] ?? STAND_INS[name] ?? '');
  return {
    class: kind,
    line: maskAddress(line),
    advice: filled.charAt(0).toUpperCase() + maskAddress(filled.slice(1)),
  };
}

/** What an advice says where the line does not name it. */
const STAND_INS: Record<string, string> = { host: 'the server', address: 'such file or address' };

/** Whether the line is about an input or an output; if it does not say so, one after it often does. */
function sideOf(lines: readonly Line[], index: number, command: readonly string[]): Side {
  for (const { text, bare } of lines.slice(index)) {
    const side = sideInTags(text) ?? sideOfAddress(bare, command) ?? sideInWords(bare);
    if (side !== undefined) return side;
  }
  // Inputs are opened first.
  return lines.some(({ bare }) => /^(?:Output #|Stream mapping:)/.test(bare)) ? 'output' : 'input';
}

/** From 6.1 on, FFmpeg names the side: `[in#0 @ …]`, `[out#0/flv @ …]`, `[vost#0:0 @ …]`. */
function sideInTags(text: string): Side | undefined {
  const tag = /^(?:\[\w+\] )?\[(in|ist|vist|aist|dec|out|vost|aost|sost)#/.exec(text)?.[1];
  if (tag === undefined) return undefined;
  return tag.startsWith('o') || tag.endsWith('ost') ? 'output' : 'input';
}

function sideOfAddress(bare: string, command: readonly string[]): Side | undefined {
  const host = hostIn(bare);
  // The default port of a protocol is not in the address.
  const hosts = host === undefined ? [] : [host, `${host.replace(/:\d+$/, '')}/`];
  const isMeant = (address: string) =>
    bare.startsWith(`${address}: `) ||
    hosts.some((name) => address.includes(`://${name}`) || address.includes(`@${name}`));
  const isInput = command.some((argument, index) => command[index - 1] === '-i' && isMeant(argument));
  const isOutput = command.some((argument, index) => command[index - 1] !== '-i' && isMeant(argument));
  if (isInput === isOutput) return undefined;
  return isInput ? 'input' : 'output';
}

function sideInWords(bare: string): Side | undefined {
  if (
    /^(?:Error opening output|Could not write header|Error writing|av_interleaved|Error .* to the muxer)/.test(
      bare,
    )
  ) {
    return 'output';
  }
  return /^(?:Error opening input|Error .*demux)/.test(bare) ? 'input' : undefined;
}

/** The file or address that could not be opened. */
function addressIn(bare: string): string | undefined {
  const [, before, after] =
    /^(?:Error opening output )?(\S{1,200}): [A-Z][\w ]+$|^Error opening (?:in|out)put file (.{1,200})\.$/.exec(
      bare,
    ) ?? [];
  return before ?? after;
}

/** Host and port of the first URL. */
function hostIn(text: string): string | undefined {
  return /\b[a-z][a-z0-9+.-]{1,20}:\/\/(?:[^\s/?#@'"]*@)?(\[[0-9a-f:.]+\](?::\d+)?|[^\s/?#'":\]|]+(?::\d+)?)/i.exec(
    text,
  )?.[1];
}

/** The last part of an RTMP address is a secret: the stream key. */
function maskAddress(text: string): string {
  return maskSecrets(text).replace(/(\brtmp\w{0,3}:\/\/[^\s/'"]+\/[^\s/'"]+\/)[^\s'":]+/gi, '$1***');
}
