import type { Skills as ApiSkills } from '@millrace/api';
import type { Codec, DeviceSkill, Skills } from '../../ffmpeg/skills.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** Who knows what FFmpeg can do. */
export interface SkillsSource {
  skills(): Promise<Skills>;
  /** Asks FFmpeg again. */
  reloadSkills(): Promise<Skills>;
}

/** `/skills`: what the installed FFmpeg can do. */
export function skillsRoutes(ffmpeg: SkillsSource): Routes {
  return (app) => {
    app.get('/skills', async (_request, reply) => sendJson(reply, toApi(await ffmpeg.skills())));
    app.get('/skills/reload', async (_request, reply) => sendJson(reply, toApi(await ffmpeg.reloadSkills())));
  };
}

function toApi(skills: Skills): ApiSkills {
  const { codecs, devices } = skills;
  return {
    ffmpeg: skills.ffmpeg,
    filter: skills.filters,
    hwaccels: skills.hwaccels,
    codecs: {
      audio: codecs.audio.map(toApiCodec),
      video: codecs.video.map(toApiCodec),
      subtitle: codecs.subtitle.map(toApiCodec),
    },
    formats: skills.formats,
    devices: { demuxers: devices.demuxers.map(toApiDevices), muxers: devices.muxers.map(toApiDevices) },
    protocols: skills.protocols,
  };
}

function toApiCodec({ id, name, encoders, decoders }: Codec): ApiSkills['codecs']['audio'][number] {
  return { id, name, encoders: encoders ?? null, decoders: decoders ?? null };
}

function toApiDevices({ id, name, devices }: DeviceSkill): ApiSkills['devices']['demuxers'][number] {
  return {
    id,
    name,
    devices: devices.map((device) => ({
      id: device.id,
      name: device.name,
      extra: device.extra,
      media: device.media,
    })),
  };
}
