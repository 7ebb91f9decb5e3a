/** A process state in a word, the tone it is shown in, and what the player's place says while there is no picture. */
export function describe(state) {
  const again = state.reconnect_seconds >= 0 ? ` Starts again in ${state.reconnect_seconds} s.` : '';
  const why = state.failure?.advice;
  switch (state.exec) {
    case 'running':
      return { word: 'Running', tone: 'live', veil: 'Waiting for the stream …' };
    case 'starting':
      return { word: 'Starting', tone: 'busy', veil: 'Starting …' };
    case 'finishing':
      return { word: 'Stopping', tone: 'busy', veil: 'Stopping …' };
    case 'failed':
      return { word: 'Failed', tone: 'bad', veil: `${why ?? 'FFmpeg ended with an error.'}${again}` };
    case 'killed':
      return { word: 'Killed', tone: 'bad', veil: `${why ?? 'FFmpeg was killed.'}${again}` };
    case 'finished':
      return state.order === 'start'
        ? { word: 'Ended', tone: why ? 'bad' : 'idle', veil: `${why ?? 'FFmpeg has ended.'}${again}` }
        : { word: 'Stopped', tone: 'idle', veil: 'Stopped' };
    default:
      return { word: 'Invalid', tone: 'bad', veil: 'The configuration of this process is not valid.' };
  }
}

/** `1:02:03` or `2:03`. */
export function duration(seconds) {
  const pad = (number) => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:${pad(minutes)}` : minutes}:${pad(Math.floor(seconds) % 60)}`;
}

export function bitrate(kbit) {
  if (!kbit) return '–';
  return kbit < 1000 ? `${Math.round(kbit)} kbit/s` : `${(kbit / 1000).toFixed(2)} Mbit/s`;
}

export function memory(bytes) {
  return bytes === 0 ? '–' : `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** Takes user names and passwords out of the addresses in a line of FFmpeg. */
export function withoutCredentials(line) {
  return line.replace(/(\w+:\/\/)[^/@\s'"]+@/g, '$1');
}
