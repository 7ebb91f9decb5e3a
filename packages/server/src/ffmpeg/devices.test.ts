import { expect, test } from 'vitest';
import { parseAlsa, parseAvFoundation, parseFramebuffer, parseV4l2 } from './devices.ts';

test('ALSA: what can capture, by card and device', () => {
  const cards =
    ' 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7f10000 irq 32\n';
  const devices =
    '  2: [ 0- 0]: digital audio playback\n  3: [ 0- 1]: digital audio capture\n 33:        : timer\n';
  expect(parseAlsa(cards, devices)).toEqual([
    { id: 'hw:0,1', name: 'HDA Intel PCH', extra: '', media: 'audio' },
  ]);
});

test('Video4Linux: the devices below their header', () => {
  const text =
    'mmal service 16.1 (platform:bcm2835-v4l2):\n\t/dev/video0\n\nUSB Cam (x): y (usb-1.2):\n\t/dev/video1\n\t/dev/video2\n\t/dev/media0\n';
  expect(parseV4l2(text)).toEqual([
    { id: '/dev/video0', name: 'mmal service 16.1', extra: 'platform:bcm2835-v4l2', media: 'video' },
    { id: '/dev/video1', name: 'USB Cam (x): y', extra: 'usb-1.2', media: 'video' },
    { id: '/dev/video2', name: 'USB Cam (x): y', extra: 'usb-1.2', media: 'video' },
  ]);
});

test.each([
  ['geometry 1920 1080 1920 1080 16\n    rgba 5/11,6/5,5/0,0/0', '1920x1080 rgb565le'],
  ['geometry 1920 1080 1920 2160 32\n    rgba 8/16,8/8,8/0,8/24', '1920x1080 (1920x2160) bgra'],
  ['geometry 640 480 640 480 24\n    rgba 8/0,8/8,8/16,0/0', '640x480 rgb24'],
])('framebuffer: %j is %s', (text, extra) => {
  expect(parseFramebuffer(`mode "x"\n    ${text}\nendmode\n`)).toBe(extra);
});

test('no framebuffer', () => {
  expect(parseFramebuffer('')).toBeUndefined();
});

test('AVFoundation: video and audio devices', () => {
  const text = [
    '[AVFoundation indev @ 0x7f] AVFoundation video devices:',
    '[AVFoundation indev @ 0x7f] [0] FaceTime HD Camera',
    '[AVFoundation indev @ 0x7f] AVFoundation audio devices:',
    '[AVFoundation indev @ 0x7f] [0] Built-in Microphone',
    ': Input/output error',
  ].join('\n');
  expect(parseAvFoundation(text)).toEqual([
    { id: '0', name: 'FaceTime HD Camera', extra: '', media: 'video' },
    { id: ':0', name: 'Built-in Microphone', extra: '', media: 'audio' },
  ]);
});
