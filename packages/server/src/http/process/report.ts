import type { Probe as ApiProbe, ProcessReport, ProcessReportEntry } from '@millrace/api';
import type { Probe } from '../../ffmpeg/probe.ts';
import type { Report, Run } from '../../ffmpeg/report.ts';

/** The API's form of what FFmpeg wrote. */
export function toApiReport(report: Report): ProcessReport {
  return { ...toEntry(report), history: report.history.map(toEntry) };
}

function toEntry({ createdAt, prelude, log, failure }: Run): ProcessReportEntry {
  return {
    created_at: toSeconds(createdAt),
    prelude: [...prelude],
    log: log.map(({ at, text }) => [String(toSeconds(at)), text]),
    ...(failure && { failure: { ...failure } }),
  };
}

/** The API's form of what a probe found. */
export function toApiProbe({ streams, log }: Probe): ApiProbe {
  return {
    streams: streams.map((stream) => ({
      url: stream.address,
      format: stream.format,
      index: stream.index,
      stream: stream.stream,
      language: stream.language,
      type: stream.type,
      codec: stream.codec,
      coder: stream.coder,
      bitrate_kbps: stream.bitrateKbps,
      duration_sec: stream.durationSeconds,
      fps: stream.fps,
      pix_fmt: stream.pixFmt,
      width: stream.width,
      height: stream.height,
      sampling_hz: stream.samplingHz,
      layout: stream.layout,
      channels: stream.channels,
    })),
    log,
  };
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
