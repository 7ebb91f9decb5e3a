/** How FFmpeg encodes pictures at little cost, with a key frame each so many. */
export const h264 = (gop: number): string[] => [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
  ...['-g', String(gop)],
];
