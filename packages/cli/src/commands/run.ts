import { isMillraceError, type NewProcess } from '@millrace/client';
import { count, defineCommand, duration, flag, size, text, texts, word, words } from '../command.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { parseCleanup } from '../ffmpeg/cleanup.ts';
import { ffmpegWords, parseFfmpegCommand } from '../ffmpeg/command-line.ts';
import { joinWords } from '../ffmpeg/words.ts';
import { waitUntilAtWork } from '../processes.ts';

const MEBI = 1024 * 1024;

export const run = defineCommand({
  name: 'run',
  summary: 'make a process of an FFmpeg command line and start it',
  description: `The command line is what one would type for FFmpeg; "ffmpeg" in front of it may be there or not. Options of millrace stand before the id of the process.

FFmpeg runs on the server: paths are paths there, and FFmpeg may write files only below its disk storage. Placeholders such as {memfs} and {diskfs} stand for the storages of the server; write them in quotes where your shell would expand braces.

The inputs of the process get the ids input_0, input_1, … and its outputs output_0, output_1, …`,
  arguments: {
    id: word('id of the process'),
    command: words('the command line of FFmpeg'),
  },
  options: {
    replace: flag('change the process if it exists, instead of refusing'),
    reference: text('what the process belongs to, to find it by', 'text'),
    once: flag('do not start it again when it ends'),
    reconnectDelay: duration('how long to wait before it is started again; 15s if left out', 'time'),
    staleTimeout: duration('end it when it gets no further for so long, and start it again', 'time'),
    stopped: flag('only make it, and do not start it'),
    cleanup: texts('delete files of the first output, by pattern and limits (see the examples)', 'rule'),
    limitCpu: count('end it when it takes more of all CPUs, in percent', 'percent'),
    limitMemory: size('end it when it takes more memory', 'size'),
    limitTime: duration('for how long it has to be above a limit', 'time'),
    wait: flag('wait until FFmpeg is at work; if it fails, say why', 'w'),
    waitTime: duration('how long to wait at most; a minute if left out', 'time'),
    dryRun: flag('only print the configuration of the process', 'n'),
  },
  examples: [
    [
      `millrace run --wait camera ffmpeg -rtsp_transport tcp -i rtsp://10.0.0.5/1 -c copy -f hls '{memfs}/camera.m3u8'`,
      'a camera as HLS in memory, to be watched at /memfs/camera.m3u8',
    ],
    [
      `millrace run --cleanup 'memfs:/test*.ts,files=10,age=1m,purge' test -re -f lavfi -i testsrc2 -c:v libx264 -f hls '{memfs}/test.m3u8'`,
      'a test picture; of its segments at most ten stay, none for longer than a minute, and none when the process is removed',
    ],
    [
      `millrace run --replace relay -i '#camera:output=output_0' -c copy -f flv rtmp://live.example.com/app/key`,
      'send on what another process makes',
    ],
    [
      `millrace run -n camera 'ffmpeg -i "my file.mp4" -f null -'`,
      'see what would be made of a command line in quotes',
    ],
  ],
  passesOn: true,
  async run({ id, command: typed }, options, context) {
    const command = parseFfmpegCommand(typed);
    const [first] = command.output;
    if (first !== undefined) first.cleanup = options.cleanup.map(parseCleanup);
    const config: NewProcess & { id: string } = {
      id,
      ...command,
      reference: options.reference,
      reconnect: !options.once,
      reconnect_delay_seconds: options.reconnectDelay ?? 15,
      autostart: !options.stopped,
      stale_timeout_seconds: options.staleTimeout,
      limits: {
        cpu_usage: options.limitCpu,
        memory_mbytes: options.limitMemory === undefined ? undefined : Math.ceil(options.limitMemory / MEBI),
        waitfor_seconds: options.limitTime,
      },
    };
    if (options.dryRun) {
      context.print(JSON.stringify(config, null, 2));
      context.note(joinWords(ffmpegWords(command)));
      return;
    }
    if (options.wait && options.stopped) throw new UsageError('--wait: with --stopped it will never run');

    const client = await context.client();
    const { signal } = context;
    const isThere = options.replace && (await exists(id));
    const stored = isThere ? await client.processes.update(id, config, { signal }) : await add();
    if (isThere) await client.processes.command(id, options.stopped ? 'stop' : 'start', { signal });
    if (options.wait) {
      await waitUntilAtWork(client, id, options.waitTime, signal);
    }
    context.show(stored, () => []);
    const state = options.wait
      ? 'it runs'
      : options.stopped
        ? 'millrace start starts it'
        : 'millrace ps shows it';
    context.note(`${id}: ${isThere ? 'changed' : 'made'}, ${state}`);

    async function add() {
      try {
        return await client.processes.add(config, { signal });
      } catch (error) {
        if (!isMillraceError(error, 400) || !error.details.includes('process already exists')) throw error;
        const hint = '--replace changes it, millrace rm removes it';
        throw new CommandError(`there is a process ${id} already`, {
          exitCode: EXIT.refused,
          hint,
          cause: error,
        });
      }
    }

    async function exists(wanted: string): Promise<boolean> {
      try {
        await client.processes.get(wanted, ['config'], { signal });
        return true;
      } catch (error) {
        if (isMillraceError(error, 404)) return false;
        throw error;
      }
    }
  },
});
