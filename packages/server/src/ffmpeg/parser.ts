import type { Ending } from '../child/supervisor.ts';
import type { Logger } from '../log/logger.ts';
import { maskSecrets } from '../util/text.ts';
import { parseAvStream, parseProgress, parseStreams } from './json-channel.ts';
import { explainFailure, type Failure } from './failure.ts';
import { PreludeParser } from './prelude.ts';
import { ProgressTracker, type IoBytes, type Progress } from './progress.ts';
import { RunLog, type Report, type RunHistory } from './report.ts';
import { isStatusLine, parseStatusLine } from './status-line.ts';
import { stripTags } from './tags.ts';

export interface OutputParserOptions {
  /** How many lines of the log are kept; at least one is. */
  maxLines: number;
  /** Ids of the configured inputs and outputs, in the order of the command. */
  inputIds: readonly string[];
  outputIds: readonly string[];
}

/** Turns the lines of one process' FFmpeg, run after run, into its progress and its report. */
export class OutputParser {
  readonly #history: RunHistory;
  readonly #log: Logger;
  readonly #run: RunLog;
  #options: OutputParserOptions;
  #prelude = new PreludeParser();
  #progress = new ProgressTracker(performance.now());
  /** The streams are known: what follows is the work itself. */
  #isComplete = false;
  #hasJsonProgress = false;

  /** @param history takes the runs that are over. */
  constructor(options: OutputParserOptions, history: RunHistory, log: Logger) {
    this.#options = options;
    this.#history = history;
    this.#log = log;
    this.#run = new RunLog(options.maxLines);
  }

  /** Changes the options. Ids count from the next run on. */
  configure(options: OutputParserOptions): void {
    this.#options = options;
    this.#run.resize(options.maxLines);
  }

  /** A run begins: what the one before wrote goes into the history. */
  started(): void {
    this.archive();
    this.#reset();
  }

  /** The run is over. Its log stays until the next one begins. */
  ended(): void {
    this.#reset();
  }

  /** Finds out why the run failed, if it did, and keeps that with its log. */
  explain(ending: Ending, command: readonly string[]): Failure | undefined {
    this.#run.failure = explainFailure(ending, { command, log: this.#run.log });
    return this.#run.failure;
  }

  /** Moves what the latest run wrote, if it wrote anything, into the history. */
  archive(): void {
    if (this.#run.isTelling) this.#history.add(this.#run.run());
    this.#run.clear();
  }

  /**
   * Takes a line of FFmpeg.
   *
   * @returns whether FFmpeg made progress since the last such line.
   */
  line(text: string): boolean {
    const line = stripTags(text);
    if (isStatusLine(line)) return this.#status(line);
    const channel = CHANNEL.exec(line)?.[1];
    if (channel !== undefined) return this.#channel(channel, text, line.slice(channel.length + 1));
    this.#text(text, line);
    return false;
  }

  /** Adds a line of the supervisor to the log of the run. */
  note(text: string): void {
    this.#run.note(text);
  }

  progress(): Progress {
    return this.#progress.snapshot();
  }

  /** What the run read and wrote so far, by address; see `ProgressTracker.traffic`. */
  traffic(): { inputs: IoBytes[]; outputs: IoBytes[] } {
    return this.#progress.traffic();
  }

  report(): Report {
    return { ...this.#run.run(), history: this.#history.runs() };
  }

  /** The newest line of the log, `''` if there is none. */
  lastLine(): string {
    return this.#run.lastLine;
  }

  #reset(): void {
    this.#prelude = new PreludeParser();
    this.#progress = new ProgressTracker(performance.now());
    this.#isComplete = false;
    this.#hasJsonProgress = false;
  }

  #status(line: string): boolean {
    if (this.#hasJsonProgress) return false;
    // FFmpeg may report before it has opened its outputs; the prelude goes on then.
    if (!this.#isComplete && this.#prelude.outputs.length > 0) {
      this.#isComplete = true;
      this.#adoptPrelude();
    }
    return this.#progress.applyStatus(parseStatusLine(line), performance.now());
  }

  #channel(channel: string, text: string, json: string): boolean {
    try {
      switch (channel) {
        case 'ffmpeg.inputs':
          if (this.#isComplete) this.#run.line(text);
          else this.#progress.setInputs(parseStreams(json), this.#options.inputIds);
          return false;
        case 'ffmpeg.outputs':
          if (this.#isComplete) this.#run.line(text);
          else this.#progress.setOutputs(parseStreams(json), this.#options.outputIds);
          this.#isComplete = true;
          this.#hasJsonProgress = true;
          return false;
        case 'ffmpeg.progress':
          return this.#isComplete && this.#progress.applyJson(parseProgress(json), performance.now());
        default:
          if (this.#isComplete) this.#avstream(json);
          return false;
      }
    } catch (error) {
      this.#log.error(`Failed parsing ${WORDING[channel] ?? channel}`, { line: maskSecrets(text), error });
      return false;
    }
  }

  #avstream(json: string): void {
    const { id, state } = parseAvStream(json);
    this.#progress.applyAvStream(id, state);
  }

  #text(text: string, line: string): void {
    this.#run.line(text);
    if (!this.#isComplete) this.#run.preludeLine(text);
    // An output may be opened after others already work.
    const isNew = this.#prelude.line(line);
    if (isNew && this.#isComplete && !this.#hasJsonProgress) this.#adoptPrelude();
  }

  #adoptPrelude(): void {
    this.#progress.setInputs(this.#prelude.inputs, this.#options.inputIds);
    this.#progress.setOutputs(this.#prelude.outputs, this.#options.outputIds);
  }
}

/** What a patched FFmpeg tells in JSON, one object a line. */
const CHANNEL = /^(ffmpeg\.(?:inputs|outputs|progress)|avstream\.progress):/;

const WORDING: Record<string, string> = {
  'ffmpeg.inputs': 'inputs',
  'ffmpeg.outputs': 'outputs',
  'ffmpeg.progress': 'progress',
  'avstream.progress': 'AVStream progress',
};
